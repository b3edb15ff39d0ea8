import GRPCCore
import Primitives
import Synchronization
import TestSupport
import Testing

@testable import ServiceKit

@Suite struct ClientRetryTests {
    static let down = RPCError(Fault.unavailable("database.unavailable", "Later."))

    /// How often a call is made that fails with `error` the first `failures` times.
    static func tries(_ method: String, failures: Int, error: RPCError = down, retry: ClientRetry = ClientRetry()) async -> Int {
        let tries = Mutex(0)
        try? await retry.run(Probe.method(method)) {
            let number = tries.withLock { tries in
                tries += 1
                return tries
            }
            if number <= failures { throw error }
        }
        return tries.withLock { $0 }
    }

    @Test(
        "a read that was not answered is tried once more, a write is not",
        arguments: [("GetRun", 1, 2), ("GetRun", 9, 2), ("GetRun", 0, 1), ("ListRuns", 1, 2), ("StartRun", 1, 1), ("DeleteRun", 1, 1)])
    func methods(method: String, failures: Int, expected: Int) async {
        #expect(await Self.tries(method, failures: failures) == expected)
    }

    @Test("a write under an idempotency key may be repeated")
    func keyed() async {
        let caller = Caller(tenant: .new(), actor: "usr_1", permissions: [], idempotencyKey: "again")
        #expect(await Caller.with(caller) { await Self.tries("StartRun", failures: 1) } == 2)
    }

    @Test("other refusals are final", arguments: [.notFound, .deadlineExceeded, .resourceExhausted, .internalError] as [RPCError.Code])
    func final(code: RPCError.Code) async {
        #expect(await Self.tries("GetRun", failures: 1, error: RPCError(code: code, message: "")) == 1)
    }

    @Test("a service that stays away is not asked twice for long")
    func budget() async {
        let retry = ClientRetry()
        var extra = 0
        for _ in 0..<20 { extra += await Self.tries("GetRun", failures: 9, retry: retry) - 1 }
        #expect(extra == 10)
        for _ in 0..<11 { _ = await Self.tries("GetRun", failures: 0, retry: retry) }
        #expect(await Self.tries("GetRun", failures: 9, retry: retry) == 2)
    }
}
