import CommonAPI
import Foundation
import GRPCCore
import Jobs
import Postgres
import Primitives
import ServiceKit
import SwiftProtobuf
import TestSupport
import Testing
import ValidationAPI

@testable import ValidationService

/// What people do with failures, in a few words.
extension JudgingFixture {
    func say(
        _ category: PBCategory.Value, _ severity: PBSeverity.Value = .severityUnspecified, of result: String, by name: String = "usr_ann",
        _ clients: Clients
    ) async throws {
        _ = try await Caller.with(person(name)) {
            try await clients.verdicts.putVerdict(
                .with {
                    $0.result = result; $0.category = category; $0.severity = severity
                })
        }
    }

    func filed(_ message: String, _ clients: Clients) async throws -> PBFailure {
        let result = try await file([message])[0]
        return try await clients.failures.getFailure(.with { $0.result = result })
    }

    func lessons(_ clients: Clients) async throws -> [PBLesson] {
        try await clients.lessons.listLessons(.with { $0.project = project.description }).data
    }

    func recategorise(_ clients: Clients) async throws -> PBRecategorisation {
        let started = try await clients.recategorisations.recategoriseFailures(.with { $0.project = project.description })
        var worker = recategorise
        worker.pages = 1000
        worker.pageSize = 500
        try await worker.handle(.init(id: ID(started.id), after: nil), Job(tenant: tenant, kind: RecategoriseFailures.Payload.kind))
        return try await clients.recategorisations.getRecategorisation(.with { $0.recategorisation = started.id })
    }
}
