import GRPCCore
import HealthAPI
import Primitives
import Synchronization
import TestSupport
import Testing

@testable import ServiceKit

@Suite struct DeadlineTests {
    static let rules = [Probe.rule("GetMine", "authenticated"), Probe.rule("GetStream", "authenticated")]

    /// How much time the handler is left with, in milliseconds; -1 without a deadline.
    static let left = Probe(unary: [
        "GetMine": { _ in
            let deadline = CallContext.current?.deadline
            return "\(deadline.map { ContinuousClock.now.duration(to: $0).nanoseconds / 1_000_000 } ?? -1)"
        }
    ])

    @Test("a call passes on what is left of its own time minus 20 ms", arguments: [(3_000, 1_000...2_980), (60_000, 55_000...59_980)])
    func propagation(limit: Int, expected: ClosedRange<Int>) async throws {
        try await InProcess.serve([Self.left], rules: Self.rules, as: .user()) { (client) async throws in
            let left = try await CallContext.withDeadline(in: .milliseconds(limit)) { try await client.probe("GetMine") }
            #expect(expected.contains(try #require(Int(left))))
        }
    }

    @Test("a call that starts without a deadline gets 10 s")
    func standard() async throws {
        try await InProcess.serve([Self.left], rules: Self.rules, as: .user()) { (client) async throws in
            let left = Int(try await client.probe("GetMine"))
            #expect((9_000...10_000).contains(try #require(left)))
        }
    }

    @Test("an inner limit cannot outlast the outer one")
    func nested() async {
        await CallContext.withDeadline(in: .seconds(3)) {
            let outer = CallContext.current?.deadline
            await CallContext.withDeadline(in: .seconds(9)) { #expect(CallContext.current?.deadline == outer) }
        }
    }

    @Test("with less than 50 ms left nothing is sent")
    func refusedByClient() async throws {
        let calls = Atomic(0)
        let counting = Probe(unary: ["GetMine": { _ in "\(calls.wrappingAdd(1, ordering: .relaxed).newValue)" }])
        try await InProcess.serve([counting], rules: Self.rules, as: .user()) { (client) async throws in
            try await CallContext.withDeadline(in: .milliseconds(60)) { () async throws in
                #expect(try await InProcess.fault { try await client.probe("GetMine") } == .deadlineExceeded)
            }
        }
        let sent = calls.load(ordering: .relaxed)
        #expect(sent == 0)
    }

    @Test("a call that arrives with less than 50 ms is refused before the handler", arguments: ["49", "0", "-7"])
    func refusedByServer(milliseconds: String) throws {
        #expect(throws: Fault.deadlineExceeded) {
            try ServerDeadline.deadline(of: InboundMetadata(["assay-timeout-ms": .string(milliseconds)]), received: .now)
        }
    }

    @Test(
        "both ways to name a timeout are read, and the shorter one counts",
        arguments: [
            ([("assay-timeout-ms", "1500")], Duration.milliseconds(1500)), ([("grpc-timeout", "2S")], .seconds(2)),
            ([("grpc-timeout", "100m"), ("assay-timeout-ms", "1500")], .milliseconds(100)), ([("grpc-timeout", "3M")], .seconds(180)),
            ([("grpc-timeout", "99999999H")], .seconds(86_400)), ([("assay-timeout-ms", "99999999999999")], .seconds(86_400)),
            ([("grpc-timeout", "5x")], nil), ([("grpc-timeout", "-5S")], nil), ([("assay-timeout-ms", "ten")], nil), ([], nil),
        ] as [([(String, String)], Duration?)])
    func timeouts(metadata: [(String, String)], expected: Duration?) {
        #expect(InboundMetadata(Metadata(metadata.map { ($0.0, .string($0.1)) })).timeout == expected)
    }

    @Test("a handler is cancelled when its deadline passes, and the caller hears so")
    func cancelled() async throws {
        let cancelled = Atomic(false)
        let slow = Probe(unary: [
            "GetMine": { _ in
                do { try await Task.sleep(for: .seconds(60)) } catch {
                    cancelled.store(true, ordering: .relaxed)
                    throw error
                }
                return "late"
            }
        ])
        try await InProcess.serve([slow], rules: Self.rules, as: .user()) { (client) async throws in
            let started = ContinuousClock.now
            let fault = try await InProcess.fault { try await CallContext.withDeadline(in: .milliseconds(700)) { try await client.probe("GetMine") } }
            #expect(fault == .deadlineExceeded && started.duration(to: .now) < .seconds(20))
        }
        let wasCancelled = cancelled.load(ordering: .relaxed)
        #expect(wasCancelled)
    }

    @Test("a response stream ends with the caller's deadline")
    func streamCancelled() async throws {
        let endless = Probe(streaming: [
            "GetStream": { writer in
                while true {
                    try await writer.write(Probe.Text())
                    try await Task.sleep(for: .milliseconds(10))
                }
            }
        ])
        try await InProcess.serve([endless], rules: Self.rules, as: .user()) { (client) async throws in
            let fault = try await InProcess.fault {
                try await CallContext.withDeadline(in: .milliseconds(700)) { try await client.probeStream("GetStream") }
            }
            #expect(fault == .deadlineExceeded)
        }
    }

    @Test("many deadlines fire in their time, those that are removed never do")
    func queue() async throws {
        let queue = DeadlineQueue()
        let fired = Mutex<[Int]>([])
        let start = ContinuousClock.now
        for index in (0..<200).reversed() {
            let id = queue.add(Expiry { fired.withLock { $0.append(index) } }, at: start + .milliseconds(index))
            if index % 2 == 1 { queue.remove(id) }
        }
        while queue.count > 0 && start.duration(to: .now) < .seconds(10) { try await Task.sleep(for: .milliseconds(5)) }
        while fired.withLock({ $0.count }) < 100 && start.duration(to: .now) < .seconds(10) { try await Task.sleep(for: .milliseconds(5)) }
        #expect(fired.withLock { $0.sorted() } == Array(stride(from: 0, to: 200, by: 2)))
    }

    @Test("an expiry that is disarmed does not run")
    func disarmed() {
        let ran = Mutex(0)
        let expiry = Expiry { ran.withLock { $0 += 1 } }
        expiry.fire()
        expiry.fire()
        let other = Expiry { ran.withLock { $0 += 10 } }
        other.disarm()
        other.fire()
        #expect(ran.withLock { $0 } == 1 && expiry.hasFired && !other.hasFired)
    }
}
