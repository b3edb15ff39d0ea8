import Foundation
import Primitives
import Sealing
import Testing

@Suite struct SealerTests {
    static let keys = ["2025": Secret(Data(repeating: 1, count: 32)), "2026": Secret(Data(repeating: 2, count: 32))]
    static let context = SealContext(tenant: .new(), table: "channels", column: "secret", row: UUID())

    private static func code(_ body: () throws -> Data) -> String? {
        do {
            _ = try body()
            return nil
        } catch {
            return (error as? Fault)?.code
        }
    }

    @Test("what is sealed opens again", arguments: [0, 1, 16, 100, 70_000])
    func roundTrip(size: Int) throws {
        let sealer = try Sealer(keys: Self.keys, current: "2026")
        let plaintext = Data((0..<size).map { UInt8(truncatingIfNeeded: $0) })
        let sealed = sealer.seal(plaintext, context: Self.context)
        #expect(try sealer.open(sealed, context: Self.context) == plaintext)
        #expect(size < 16 || sealed.range(of: plaintext) == nil)
    }

    @Test("the same secret never looks the same twice")
    func nonce() throws {
        let sealer = try Sealer(keys: Self.keys, current: "2026")
        let sealed = (0..<100).map { _ in sealer.seal(Data("secret".utf8), context: Self.context) }
        #expect(Set(sealed).count == 100)
    }

    @Test("a value with any byte changed, or cut anywhere, does not open")
    func tampered() throws {
        let sealer = try Sealer(keys: Self.keys, current: "2026")
        let sealed = sealer.seal(Data("hunter2".utf8), context: Self.context)
        for index in sealed.indices {
            for bit: UInt8 in [1, 0x80, 0xFF] {
                var changed = sealed
                changed[index] ^= bit
                #expect(["sealing.broken", "sealing.unknown_key"].contains(Self.code { try sealer.open(changed, context: Self.context) }))
            }
            #expect(Self.code { try sealer.open(sealed.prefix(index), context: Self.context) } != nil)
        }
        #expect(Self.code { try sealer.open(sealed + [0], context: Self.context) } == "sealing.broken")
    }

    @Test("a value that was moved to another tenant, table, column or row does not open")
    func moved() throws {
        let sealer = try Sealer(keys: Self.keys, current: "2026")
        let here = Self.context
        let sealed = sealer.seal(Data("hunter2".utf8), context: here)
        let elsewhere = [
            SealContext(tenant: .new(), table: here.table, column: here.column, row: here.row),
            SealContext(tenant: here.tenant, table: "channel", column: here.column, row: here.row),
            SealContext(tenant: here.tenant, table: "channelss", column: "ecret", row: here.row),
            SealContext(tenant: here.tenant, table: here.table, column: "token", row: here.row),
            SealContext(tenant: here.tenant, table: here.table, column: here.column, row: UUID()),
        ]
        for context in elsewhere {
            #expect(Self.code { try sealer.open(sealed, context: context) } == "sealing.broken")
        }
    }

    @Test("after a rotation old values open and new ones use the new key")
    func rotation() throws {
        let before = try Sealer(keys: ["2025": Self.keys["2025"]!], current: "2025")
        let after = try Sealer(keys: Self.keys, current: "2026")
        let old = before.seal(Data("old".utf8), context: Self.context)
        let new = after.seal(Data("new".utf8), context: Self.context)
        #expect(try after.open(old, context: Self.context) == Data("old".utf8))
        #expect(Self.code { try before.open(new, context: Self.context) } == "sealing.unknown_key")
    }

    @Test("another key under the same id does not open a value")
    func wrongKey() throws {
        let sealed = try Sealer(keys: Self.keys, current: "2026").seal(Data("x".utf8), context: Self.context)
        let other = try Sealer(keys: ["2026": Secret(Data(repeating: 9, count: 32))], current: "2026")
        #expect(Self.code { try other.open(sealed, context: Self.context) } == "sealing.broken")
    }

    @Test("a key is the base64 of 32 bytes and nothing else")
    func keys() throws {
        #expect(try Sealer.key(Data(repeating: 7, count: 32).base64EncodedString() + "\n").reveal() == Data(repeating: 7, count: 32))
        for text in ["", "short", Data(repeating: 7, count: 31).base64EncodedString(), Data(repeating: 7, count: 33).base64EncodedString(), "%%%"] {
            let fault = #expect(throws: Fault.self) { try Sealer.key(text) }
            #expect(fault?.code == "sealing.key" && fault?.detail.contains("BwcH") == false)
        }
    }

    @Test("a sealer without its current key, or with a key of the wrong size, is not made")
    func configuration() {
        #expect(throws: Fault.self) { try Sealer(keys: Self.keys, current: "2027") }
        #expect(throws: Fault.self) { try Sealer(keys: ["a": Secret(Data(count: 16))], current: "a") }
        #expect(throws: Fault.self) { try Sealer(keys: ["": Secret(Data(count: 32))], current: "") }
        #expect(throws: Fault.self) { try Sealer(keys: [:], current: "a") }
    }

    @Test("a file of keys names the one that seals first; one key alone needs no name")
    func file() throws {
        let (one, two) = (Data(repeating: 1, count: 32), Data(repeating: 2, count: 32))
        let alone = try Sealer(one.base64EncodedString() + "\n")
        let both = try Sealer("2026-11:\(two.base64EncodedString())\n\n1:\(one.base64EncodedString())\n")
        #expect(alone.currentID == "1" && both.currentID == "2026-11")
        let sealed = alone.seal(Data("x".utf8), context: Self.context)
        #expect(try both.open(sealed, context: Self.context) == Data("x".utf8))
        for text in ["", "\n", "1:", "a:\(one.base64EncodedString())\na:\(two.base64EncodedString())", ":\(one.base64EncodedString())"] {
            #expect(throws: Fault.self) { try Sealer(text) }
        }
    }
}
