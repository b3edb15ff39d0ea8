import AnalyticsAPI
import CommonAPI
import Foundation
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf

/// `assay.analytics.v1.QuarantinedTests`: what other services ask.
struct QuarantinedTestsRPC: PBQuarantinedTests.SimpleServiceProtocol {
    let quarantines: QuarantineStore

    func listQuarantinedTests(request: PBListQuarantinedTestsRequest, context: ServerContext) async throws -> PBListQuarantinedTestsResponse {
        let caller = Caller.current
        let project = try ID<Project>(request.project, field: "project")
        try caller.require(project: project)
        let tests = try await quarantines.inForce(project: project, at: Date(), tenant: caller.tenant)
        return .with { $0.tests = tests.map(\.description) }
    }
}
