import CommonAPI
import GRPCCore
import Primitives
import ServiceKit
import ValidationAPI

/// `assay.validation.v1.Intake`: where Execution delivers.
struct IntakeRPC: PBIntake.SimpleServiceProtocol {
    let failures: FailureStore
    let validations: ValidationStore
    let rules: RuleStore

    func submitFailures(request: PBSubmitFailuresRequest, context: ServerContext) async throws -> PBEmpty {
        guard request.results.count <= FailedResult.maxBatch else { throw Fault.tooManyFailures() }
        let results = try request.results.enumerated().map { try FailedResult($1, at: "/results/\($0)") }
        let project = try ID<Project>(request.project, field: "/project")
        let tenant = Caller.current.tenant
        let book = try await rules.book(of: project, tenant: tenant)
        let judged = try await JudgedDelivery.of(results, by: book).asking { try await rules.lessons.step(for: book, of: project, tenant: tenant) }
        try await failures.insert(FailureBatch(request, judged.failures), by: judged.editions, tenant: tenant)
        for rule in try await rules.record(judged.overruns, of: project, tenant: tenant) {
            try await rules.switchOff(rule, of: project, tenant: tenant)
        }
        return PBEmpty()
    }

    func completeRun(request: PBCompleteRunRequest, context: ServerContext) async throws -> PBEmpty {
        try await validations.complete(FinishedRun(request), tenant: Caller.current.tenant)
        return PBEmpty()
    }
}
