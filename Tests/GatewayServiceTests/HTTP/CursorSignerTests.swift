import Foundation
import Primitives
import Testing

@testable import GatewayService

@Suite("Signed cursors")
struct CursorSignerTests {
    private let signer = CursorSigner(secret: Data(repeating: 7, count: 32))
    private let tenant = ID<Tenant>.new()

    private func binding(_ path: String = "/api/v1/runs", _ filter: [(name: String, value: String)] = [("state", "PASSED")]) -> CursorSigner.Binding {
        .init(tenant: tenant, path: path, filter: filter)
    }

    @Test(
        "what was signed is read back, whatever the order and size of the pages",
        arguments: ["run_01", "", "a b/ü\n", String(repeating: "x", count: 500)])
    func roundTrip(cursor: String) throws {
        guard !cursor.isEmpty else { return }
        let text = signer.sign(cursor, for: binding("/p", [("b", "2"), ("a", "1"), ("limit", "10")]))
        #expect(try signer.verify(text, for: binding("/p", [("a", "1"), ("b", "2"), ("limit", "99"), ("cursor", "zzz")])) == cursor)
    }

    @Test("a cursor of another organization, list, filter or gateway is refused")
    func foreign() {
        let text = signer.sign("run_01", for: binding())
        let others = [
            CursorSigner.Binding(tenant: .new(), path: "/api/v1/runs", filter: [("state", "PASSED")]), binding("/api/v1/other"),
            binding("/api/v1/runs", [("state", "FAILED")]), binding("/api/v1/runs", []), binding("/api/v1/runs", [("statePASSED", "")]),
            binding("/api/v1/runsstate", [("PASSED", "")]), binding("/api/v1/runs", [("state", "PASSED"), ("x", "")]),
        ]
        for other in others {
            #expect(throws: Fault.cursorInvalid) { try signer.verify(text, for: other) }
        }
        #expect(throws: Fault.cursorInvalid) { try CursorSigner(secret: Data(repeating: 8, count: 32)).verify(text, for: binding()) }
    }

    @Test("any changed, added or missing character is noticed")
    func tampered() {
        let text = signer.sign("run_01jv3k", for: binding())
        for index in text.indices {
            for character in "aB9-_+/=" where character != text[index] {
                var changed = text
                changed.replaceSubrange(index...index, with: String(character))
                #expect(throws: Fault.cursorInvalid) { try signer.verify(changed, for: binding()) }
            }
            #expect(throws: Fault.cursorInvalid) { try signer.verify(String(text[..<index]), for: binding()) }
        }
        for junk in ["", "x", text + "A", text + "=", " " + text, String(repeating: "A", count: 10_000)] {
            #expect(throws: Fault.cursorInvalid) { try signer.verify(junk, for: binding()) }
        }
    }
}

@Suite("Idempotency-Key")
struct IdempotencyKeyTests {
    @Test(
        "bare and quoted values are read",
        arguments: [
            ("abc", "abc"), (#""abc""#, "abc"), (#""a\"b\\c""#, #"a"b\c"#),
            ("8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
            ("a b", "a b"), (#""x" "#, "x"),
        ])
    func valid(header: String, expected: String) throws {
        #expect(try IdempotencyKey(header: header).text == expected)
    }

    @Test(
        "what is empty, too long or has control characters is refused",
        arguments: ["", " ", #""""#, "\u{1}", "a\u{7F}", "ä", #""abc"#, #""a"b""#, #""a\x""#, String(repeating: "k", count: 256)])
    func invalid(header: String) {
        #expect(throws: Fault.idempotencyKeyInvalid) { try IdempotencyKey(header: header) }
    }

    @Test("255 characters pass")
    func longest() throws {
        #expect(try IdempotencyKey(header: String(repeating: "k", count: 255)).text.count == 255)
    }
}
