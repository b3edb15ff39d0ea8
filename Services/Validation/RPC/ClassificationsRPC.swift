import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf
import ValidationAPI

/// `assay.validation.v1.Classifications`: what other services ask before failures are filed.
struct ClassificationsRPC: PBClassifications.SimpleServiceProtocol {
    let rules: RuleStore

    func classifyFailures(request: PBClassifyFailuresRequest, context: ServerContext) async throws -> PBClassifyFailuresResponse {
        let caller = Caller.current
        let project = try ID<Project>(request.project, field: "/project")
        try caller.require(project: project)
        guard request.results.count <= FailedResult.maxBatch else { throw Fault.tooManyFailures() }
        let results = try request.results.enumerated().map { try FailedResult($1, at: "/results/\($0)") }
        let book = try await rules.book(of: project, tenant: caller.tenant)
        // What a costly rule takes here is held against it when the failures are filed.
        let judged = try await JudgedDelivery.of(results, by: book).asking {
            try await rules.lessons.step(for: book, of: project, tenant: caller.tenant)
        }
        return .with { $0.data = judged.failures.map(PBClassification.init) }
    }
}

extension PBClassification {
    fileprivate init(_ failure: FiledFailure) {
        self.init()
        result = failure.result.result.description
        category = failure.judgement.category.rawValue.uppercased()
        signature = failure.signature.id.description
    }
}
