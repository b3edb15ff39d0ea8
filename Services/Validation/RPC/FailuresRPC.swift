import CommonAPI
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf
import ValidationAPI

/// `assay.validation.v1.Failures`
struct FailuresRPC: PBFailures.SimpleServiceProtocol {
    let failures: FailureStore
    let validations: ValidationStore

    func listFailures(request: PBListFailuresRequest, context: ServerContext) async throws -> PBListFailuresResponse {
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let categories = try request.category.map { try Category($0) }
        let run = try await find(request.run).run
        let listed = try await failures.list(page, run: run, categories: categories, tenant: Caller.current.tenant)
        return .with {
            $0.data = listed.items.map(PBFailure.init)
            $0.page = PBPage(listed)
        }
    }

    func getFailure(request: PBGetFailureRequest, context: ServerContext) async throws -> PBFailure {
        let caller = Caller.current
        let failure = try await failures.get(ID(request.result, field: "result"), tenant: caller.tenant)
        try caller.require(project: failure.project)
        return PBFailure(failure)
    }

    func getValidation(request: PBGetValidationRequest, context: ServerContext) async throws -> PBValidation {
        try await PBValidation(find(request.run))
    }

    func listRules(request: PBListRulesRequest, context: ServerContext) async throws -> PBListRulesResponse {
        .with { $0.data = BuiltInRules.all.rules.enumerated().map { PBRule($1, order: $0 + 1) } }
    }

    private func find(_ text: String) async throws -> Validation {
        let caller = Caller.current
        let validation = try await validations.get(ID(text, field: "run"), tenant: caller.tenant)
        try caller.require(project: validation.project)
        return validation
    }
}
