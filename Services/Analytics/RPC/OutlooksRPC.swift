import AnalyticsAPI
import Foundation
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf

/// `assay.analytics.v1.Outlooks`: what other services ask.
struct OutlooksRPC: PBOutlooks.SimpleServiceProtocol {
    /// That are asked for at once.
    static let mostTests = 500

    let tests: TestStore
    let stabilities: StabilityStore
    let quarantines: QuarantineStore

    func listTestOutlooks(request: PBListTestOutlooksRequest, context: ServerContext) async throws -> PBListTestOutlooksResponse {
        let caller = Caller.current
        let project = try ID<Project>(request.project, field: "project")
        try caller.require(project: project)
        guard request.tests.count <= Self.mostTests else {
            throw Fault.invalidField("/tests", "too_many", "At most \(Self.mostTests) tests are asked for at once.")
        }
        var ids: [ID<Test>] = []
        for (index, text) in request.tests.enumerated() { ids.append(try ID(text, field: "/tests/\(index)")) }
        let known = try await tests.find(ids, tenant: caller.tenant).filter { $0.value.project == project }
        guard !known.isEmpty else { return PBListTestOutlooksResponse() }
        let lines = try await stabilities.lines(of: Array(known.keys), tenant: caller.tenant)
        let quarantined = Set(try await quarantines.inForce(project: project, at: Date(), tenant: caller.tenant))
        return .with {
            $0.data = ids.compactMap { known[$0] }.map { test in
                .with {
                    $0.test = test.id.description
                    $0.stability = PBStability(test.stability, test.verdict)
                    let since = lines[test.id]?.failingSince(
                        branch: request.branch, environment: request.environment, before: request.before.date)
                    if let since { $0.failingSince = .init(milliseconds: since) }
                    $0.quarantined = quarantined.contains(test.id)
                }
            }
        }
    }
}
