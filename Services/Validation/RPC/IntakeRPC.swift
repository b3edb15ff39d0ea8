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

    private var joining: JoiningStore { JoiningStore(database: failures.database, jobs: failures.jobs) }

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

    func submitAlias(request: PBSubmitAliasRequest, context: ServerContext) async throws -> PBEmpty {
        let project = try ID<Project>(request.project, field: "/project")
        let alias = try ID<Test>(request.alias, field: "/alias")
        let test = request.test.isEmpty ? nil : try ID<Test>(request.test, field: "/test")
        try await joining.set(alias, to: test, ProjectScope(tenant: Caller.current.tenant, project: project))
        return PBEmpty()
    }
}
