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
        let now = Date()
        let entries = try await quarantines.entriesInForce(project: project, at: now, tenant: caller.tenant)
        return .with {
            $0.tests = entries.map(\.test.description)
            $0.data = entries.map(PBQuarantineInForce.init)
            $0.at = .init(milliseconds: now)
        }
    }
}

extension PBQuarantineInForce {
    fileprivate init(_ entry: QuarantineInForce) {
        self.init()
        test = entry.test.description
        quarantine = entry.quarantine.description
        version = entry.version
        owner = entry.owner
        ticket = entry.ticket
        reason = entry.reason
        expiresAt = .init(milliseconds: entry.expiresAt)
        saidBy = entry.saidBy ?? ""
    }
}
