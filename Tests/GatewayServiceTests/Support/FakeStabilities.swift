import AnalyticsAPI
import CommonAPI
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf

/// One flaky test, `pays`. Of a single one nothing is known.
struct FakeStabilities: PBStabilities.SimpleServiceProtocol {
    let revision: FakeRevision

    func getTestStability(request: PBGetTestStabilityRequest, context: ServerContext) async throws -> PBTestStability {
        throw Fault.notFound("test", request.test)
    }

    func listFlakyTests(request: PBListFlakyTestsRequest, context: ServerContext) async throws -> PBListFlakyTestsResponse {
        revision.answer(known: request.revision, \.revision, empty: PBListFlakyTestsResponse()) {
            guard request.q.isEmpty || "pays".contains(request.q.lowercased()) else { return PBListFlakyTestsResponse() }
            return .with { $0.data = [.with { $0.test = .with { ($0.id, $0.name) = ("tst_1", "pays") } }] }
        }
    }
}
