import Dispatch
import Foundation
import Primitives
import Synchronization
import TestSupport
import Testing

@testable import Passwords

@Suite("Hashing passwords")
struct PasswordHasherTests {
    /// Cheap, so that tests are quick; the format and the checks are those of the real cost.
    private static let cheap = Argon2Cost(memory: 64, passes: 1, lanes: 1)

    private static func pepper(_ lines: [(id: String, byte: UInt8)]) throws -> Peppers {
        try Peppers(lines.map { "\($0.id):\(Data(repeating: $0.byte, count: 32).base64EncodedString())" }.joined(separator: "\n"))
    }

    @Test("the same input gives the tag that the reference implementation gives")
    func vector() throws {
        // echo -n password | argon2 somesalt0123456789 -id -t 2 -k 19456 -p 1 -l 32 -r, of Debian's argon2.
        let tag = try Argon2.tag(Array("password".utf8), salt: Data("somesalt0123456789".utf8), cost: .standard)
        #expect(
            tag.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
                == "920f042748487a30281197cc1bccc0cd282069a1bdec028f7370dd85d937d481")
    }

    @Test("a hash is a PHC string with the cost of today, and only its password matches it")
    func roundTrip() async throws {
        let hasher = PasswordHasher(pool: HashingPool(threads: 2))
        let stored = try await hasher.hash("correct horse battery staple")
        #expect(stored.hasPrefix("$argon2id$v=19$m=19456,t=2,p=1$"))
        #expect(try await hasher.hash("correct horse battery staple") != stored)
        #expect(try await hasher.verify("correct horse battery staple", against: stored) == .right(isOutdated: false))
        #expect(try await hasher.verify("correct horse battery stapl", against: stored) == .wrong)
        #expect(try await hasher.verify("", against: stored) == .wrong)
        #expect(try await hasher.verify("correct horse battery staple", against: nil) == .wrong)
        #expect(try await hasher.verify("x", against: "$argon2id$v=19$m=99999999,t=2,p=1$AAAA$AAAA") == .wrong)
    }

    @Test("text that two keyboards write differently is one password, and none of it is cut off")
    func unicode() async throws {
        let hasher = PasswordHasher(cost: Self.cheap, pool: HashingPool(threads: 1))
        let stored = try await hasher.hash("Zo\u{EB} ﬁnds \u{212B}")
        #expect(try await hasher.verify("Zoe\u{308} finds \u{C5}", against: stored) == .right(isOutdated: false))
        let long = String(repeating: "a", count: 127)
        let hash = try await hasher.hash(long + "b")
        #expect(try await hasher.verify(long + "c", against: hash) == .wrong)
    }

    @Test("a pepper goes in, is named, and can be rotated; without it nothing matches")
    func peppers() async throws {
        let pool = HashingPool(threads: 1)
        let first = PasswordHasher(cost: Self.cheap, peppers: try Self.pepper([("1", 1)]), pool: pool)
        let stored = try await first.hash("pass")
        #expect(stored.contains("keyid=MQ$"))
        #expect(try await first.verify("pass", against: stored) == .right(isOutdated: false))
        let rotated = PasswordHasher(cost: Self.cheap, peppers: try Self.pepper([("2", 2), ("1", 1)]), pool: pool)
        #expect(try await rotated.verify("pass", against: stored) == .right(isOutdated: true))
        #expect(try await rotated.verify("other", against: stored) == .wrong)
        let lost = PasswordHasher(cost: Self.cheap, peppers: try Self.pepper([("2", 2)]), pool: pool)
        #expect(try await lost.verify("pass", against: stored) == .wrong)
        let another = PasswordHasher(cost: Self.cheap, peppers: try Self.pepper([("1", 9)]), pool: pool)
        #expect(try await another.verify("pass", against: stored) == .wrong)
        #expect(try await PasswordHasher(cost: Self.cheap, pool: pool).verify("pass", against: stored) == .wrong)
        let dearer = PasswordHasher(cost: Argon2Cost(memory: 128, passes: 1, lanes: 1), peppers: try Self.pepper([("1", 1)]), pool: pool)
        #expect(try await dearer.verify("pass", against: stored) == .right(isOutdated: true))
    }

    @Test("peppers that cannot be meant are refused", arguments: ["", "1", "1:", "1:AAAA", ":\(Data(count: 32).base64EncodedString())"])
    func badPeppers(text: String) {
        #expect(throws: Fault.self) { try Peppers(text) }
    }

    @Test(
        "what is not a hash of ours is none",
        arguments: [
            "", "x", "$argon2i$v=19$m=64,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
            "$argon2id$v=16$m=64,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
            "$argon2id$v=19$m=64,t=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA", "$argon2id$v=19$m=64,m=64,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
            "$argon2id$v=19$m=64,t=1,p=1$AAAAAAAAAAA$AAAA", "$argon2id$v=19$m=1048576,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
            "$argon2id$v=19$m=064,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA", "$argon2id$v=19$m=64,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA$",
        ])
    func notAHash(text: String) {
        #expect(PasswordHash(text) == nil)
    }

    @Test("beyond the threads and a queue of sixty-four nobody waits: they are told to come again in a second")
    func bounds() async throws {
        let pool = HashingPool(threads: 2)
        let gate = DispatchSemaphore(value: 0)
        let begun = Tally()
        // As many as may be at work and wait; all of them stand still.
        let held = (0..<(2 + HashingPool.maxWaiting)).map { _ in
            Task { @Sendable in try await pool.run { @Sendable () throws(Fault) in Self.stand(still: gate, begun) } }
        }
        try await eventually { begun.count == 2 }
        try await eventually("the queue is full") { pool.waiting == HashingPool.maxWaiting }
        await #expect(throws: Fault.hashingBusy) { try await pool.run {} }
        #expect(Fault.hashingBusy.retryAfter == .seconds(1))
        for _ in 0..<(2 + HashingPool.maxWaiting) { gate.signal() }
        for task in held { try await task.value }
        #expect(begun.count == 2 + HashingPool.maxWaiting)
        // Room again.
        #expect(try await pool.run { 7 } == 7)
    }

    private static func stand(still gate: DispatchSemaphore, _ begun: Tally) {
        begun.add()
        gate.wait()
    }
}
