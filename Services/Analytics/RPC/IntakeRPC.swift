import AnalyticsAPI
import CommonAPI
import Foundation
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf

/// `assay.analytics.v1.Intake`: where Execution and Validation deliver. What comes from untrusted builds is read and dropped: it must change no test's history, no
/// score and no trend, and what is not here can be counted by nobody.
struct IntakeRPC: PBIntake.SimpleServiceProtocol {
    let facts: FactQueue
    let days: DayStore
    let aliases: AliasStore

    private var environments: EnvironmentStore { EnvironmentStore(database: aliases.database, stabilities: aliases.stabilities) }

    func submitFacts(request: PBSubmitFactsRequest, context: ServerContext) async throws -> PBEmpty {
        let batch = try FactBatch(request)
        guard try Lane(request.lane) == .trusted else { return PBEmpty() }
        try await facts.insert(batch, tenant: Caller.current.tenant)
        return PBEmpty()
    }

    func submitAlias(request: PBSubmitAliasRequest, context: ServerContext) async throws -> PBEmpty {
        let project = try ID<Project>(request.project, field: "project")
        let alias = try ID<Test>(request.alias, field: "alias")
        let test = request.test.isEmpty ? nil : try ID<Test>(request.test, field: "test")
        try await aliases.set(alias, to: test, project: project, tenant: Caller.current.tenant)
        return PBEmpty()
    }

    func submitMessages(request: PBSubmitMessagesRequest, context: ServerContext) async throws -> PBEmpty {
        try await facts.hear(MessageBatch(request), tenant: Caller.current.tenant)
        return PBEmpty()
    }

    /// What is known of is written down whether or not the rest is.
    func submitFailureVerdicts(request: PBSubmitFailureVerdictsRequest, context: ServerContext) async throws -> PBEmpty {
        let verdicts = try [FailureVerdict](request.verdicts)
        let unknown = try await environments.hear(verdicts, of: ID(request.project, field: "/project"), tenant: Caller.current.tenant)
        let latest = Date() - FailureVerdict.patience
        guard unknown.allSatisfy({ $0.decidedAt < latest }) else { throw Fault.failureNotKnownYet }
        return PBEmpty()
    }

    func submitRun(request: PBSubmitRunRequest, context: ServerContext) async throws -> PBEmpty {
        guard request.hasStartedAt, request.hasFinishedAt else { throw Fault.invalidField("/finished_at", "missing", "Both times are needed.") }
        guard try Lane(request.lane) == .trusted else { return PBEmpty() }
        try await days.count(
            run: ID(request.run, field: "run"), project: ID(request.project, field: "project"), passed: request.passed,
            startedAt: request.startedAt.date, finishedAt: request.finishedAt.date, tenant: Caller.current.tenant)
        return PBEmpty()
    }
}
