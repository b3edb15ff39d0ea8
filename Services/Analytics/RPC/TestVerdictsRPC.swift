import AnalyticsAPI
import CommonAPI
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf

/// `assay.analytics.v1.TestVerdicts`
struct TestVerdictsRPC: PBTestVerdicts.SimpleServiceProtocol {
    let tests: TestStore
    let stabilities: StabilityStore
    let verdicts: TestVerdictStore

    func replayTestStability(request: PBReplayTestStabilityRequest, context: ServerContext) async throws -> PBStabilityReplay {
        try await PBStabilityReplay(stabilities.replay(find(request.test), tenant: Caller.current.tenant))
    }

    func getTestVerdict(request: PBGetTestVerdictRequest, context: ServerContext) async throws -> PBTestVerdict {
        try await PBTestVerdict(verdicts.get(find(request.test), tenant: Caller.current.tenant))
    }

    func putTestVerdict(request: PBPutTestVerdictRequest, context: ServerContext) async throws -> PBTestVerdict {
        let caller = Caller.current
        let kind = try StabilityVerdict.Kind(said: request.kind)
        guard (1...TestVerdict.maxReason).contains(request.reason.unicodeScalars.count), !request.reason.utf8.contains(0) else {
            throw Fault.invalidField("/reason", "invalid", "A reason has 1 to \(TestVerdict.maxReason) characters, and no NUL.")
        }
        return try await PBTestVerdict(
            verdicts.put(
                kind, reason: request.reason, on: find(request.test), version: request.version, by: caller.actor, tenant: caller.tenant))
    }

    func deleteTestVerdict(request: PBDeleteTestVerdictRequest, context: ServerContext) async throws -> PBEmpty {
        let caller = Caller.current
        try await verdicts.delete(on: find(request.test), version: request.version, by: caller.actor, tenant: caller.tenant)
        return PBEmpty()
    }

    func listTestVerdicts(request: PBListTestVerdictsRequest, context: ServerContext) async throws -> PBListTestVerdictsResponse {
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let listed = try await verdicts.list(page, of: find(request.test), tenant: Caller.current.tenant)
        return .with {
            $0.data = listed.items.map(PBTestVerdict.init)
            $0.page = PBPage(listed)
        }
    }

    /// - Throws: `test.not_found`; what says that the caller may not see its project.
    private func find(_ text: String) async throws -> ID<Test> {
        let caller = Caller.current
        let test = try await tests.get(ID(text, field: "test"), tenant: caller.tenant)
        try caller.require(project: test.project)
        return test.id
    }
}
