import AnalyticsAPI
import CommonAPI
import Foundation
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf

/// `assay.analytics.v1.Intake`: where Execution delivers.
struct IntakeRPC: PBIntake.SimpleServiceProtocol {
    let facts: FactStore
    let days: DayStore

    func submitFacts(request: PBSubmitFactsRequest, context: ServerContext) async throws -> PBEmpty {
        try await facts.insert(FactBatch(request), tenant: Caller.current.tenant)
        return PBEmpty()
    }

    func submitRun(request: PBSubmitRunRequest, context: ServerContext) async throws -> PBEmpty {
        guard request.hasStartedAt, request.hasFinishedAt else { throw Fault.invalidField("/finished_at", "missing", "Both times are needed.") }
        try await days.count(
            run: ID(request.run, field: "run"), project: ID(request.project, field: "project"), passed: request.passed,
            startedAt: request.startedAt.date, finishedAt: request.finishedAt.date, tenant: Caller.current.tenant)
        return PBEmpty()
    }
}
