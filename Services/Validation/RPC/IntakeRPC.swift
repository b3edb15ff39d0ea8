import CommonAPI
import GRPCCore
import Primitives
import ServiceKit
import ValidationAPI

/// `assay.validation.v1.Intake`: where Execution delivers.
struct IntakeRPC: PBIntake.SimpleServiceProtocol {
    let failures: FailureStore
    let validations: ValidationStore

    func submitFailures(request: PBSubmitFailuresRequest, context: ServerContext) async throws -> PBEmpty {
        guard request.results.count <= FailedResult.maxBatch else { throw Fault.tooManyFailures() }
        let results = try request.results.enumerated().map { try FailedResult($1, at: "/results/\($0)") }
        let judgements = results.map { BuiltInRules.all.judge($0.symptoms) }
        try await failures.insert(
            results, judgements, run: ID(request.run, field: "/run"), project: ID(request.project, field: "/project"), lane: Lane(request.lane),
            tenant: Caller.current.tenant)
        return PBEmpty()
    }

    func completeRun(request: PBCompleteRunRequest, context: ServerContext) async throws -> PBEmpty {
        try await validations.complete(
            run: ID(request.run, field: "/run"), project: ID(request.project, field: "/project"), lane: Lane(request.lane),
            tenant: Caller.current.tenant)
        return PBEmpty()
    }
}
