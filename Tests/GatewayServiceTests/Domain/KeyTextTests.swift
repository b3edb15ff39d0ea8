import Contract
import Primitives
import Testing

@testable import GatewayService

@Suite("API key text")
struct KeyTextTests {
    @Test("a fresh key has its kind, 36 characters of base 62, and reads back", arguments: KeyKind.allCases)
    func roundTrip(kind: KeyKind) throws {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            let key = KeyText.make(kind, using: &random)
            let text = key.secret.reveal()
            #expect(text.hasPrefix("asy_\(kind.rawValue)_"))
            #expect(text.count == 5 + kind.rawValue.count + 36)
            #expect(KeyText(text)?.kind == kind)
            #expect(text.hasPrefix(key.display))
            #expect("\(key)".contains(text) == false)
        }
    }

    @Test("one changed character is noticed, wherever it is")
    func checksum() {
        var random = SystemRandomNumberGenerator()
        let text = KeyText.make(.personal, using: &random).secret.reveal()
        for index in text.indices {
            var changed = text
            changed.replaceSubrange(index...index, with: text[index] == "x" ? "y" : "x")
            #expect(KeyText(changed) == nil, "\(index)")
        }
    }

    @Test(
        "what is no key is none",
        arguments: [
            "", "asy_", "asy_pat_", "asy_pat_short", "asy_nob_" + String(repeating: "0", count: 36), "Bearer",
            "asy_pat_" + String(repeating: "é", count: 18),
            String(repeating: "a", count: 5_000),
        ])
    func refused(text: String) {
        #expect(KeyText(text) == nil)
    }

    @Test("CRC-32 has the check value of its catalogue entry")
    func crc() {
        #expect(CRC32.checksum("123456789".utf8) == 0xCBF4_3926)
        #expect(CRC32.checksum([]) == 0)
    }
}

@Suite("Scopes")
struct KeyScopeTests {
    @Test(
        "a scope holds its permissions",
        arguments: [
            ([KeyScope.resultsWrite], "results.write", true), ([.resultsWrite], "runs.read", false), ([.resultsRead], "runs.read", true),
            ([.resultsRead], "results.write", false), ([.runsTrigger], "runs.trigger", true), ([.projectsAdmin], "suites.write", true),
            ([.projectsAdmin], "keys.write", false), ([.monitorsWrite], "schedules.write", true), ([.webhooksWrite], "channels.write", true),
            ([.webhooksWrite], "schedules.read", false), ([.orgAdmin], "keys.write", true), ([.orgAdmin], "results.write", true),
            ([.resultsRead, .webhooksWrite], "channels.read", true), ([], "runs.read", false),
        ])
    func permission(scopes: [KeyScope], permission: String, expected: Bool) {
        #expect(KeyScope.permissions(of: scopes).contains(permission) == expected)
    }

    @Test(
        "a refusal names the narrowest scope",
        arguments: [
            ("results.write", KeyScope.resultsWrite), ("runs.read", .resultsRead), ("runs.trigger", .runsTrigger), ("projects.write", .projectsAdmin),
            ("schedules.read", .monitorsWrite), ("channels.write", .webhooksWrite), ("keys.read", .orgAdmin), ("unheard.of", .orgAdmin),
        ])
    func granting(permission: String, scope: KeyScope) {
        #expect(KeyScope.granting(permission) == scope)
    }

    @Test("every permission that a contract declares is held by some scope")
    func complete() {
        // What the operator of the installation may do is no key's.
        let declared = Set(GatewayProgram.routes.compactMap(\.rule.permission)).subtracting(["authenticated", "public"])
            .filter { !$0.hasPrefix("admin.") }
        #expect(declared.subtracting(KeyScope.orgAdmin.permissions).isEmpty)
        #expect(declared.count > 10)
    }
}
