import Foundation
import Primitives
import TestSupport
import Testing

@testable import ExecutionService

/// Known secrets never stand in what is stored, however an answer writes them (T83).
@Suite struct SecretMaskTests {
    static func mask(_ values: String...) -> SecretMask { SecretMask(values.map { Secret($0) }) }

    @Test(
        "a secret is found as it is, encoded and escaped",
        arguments: [
            ("token=hunter2/ü&x", "token=***&x"), ("hunter2/ühunter2/ü", "***"), ("a hunter2/ü b hunter2/ü c", "a *** b *** c"),
            ("?t=hunter2%2F%C3%BC&y", "?t=***&y"), ("?t=hunter2%2f%c3%bc", "?t=***"), ("%68unter2/ü", "***"),
            (#"{"t":"hunter2\/ü"}"#, #"{"t":"***"}"#), (#"{"t":"hunter2\/\u00fc"}"#, #"{"t":"***"}"#),
            (#"{"t":"\u0068unter2/\u00FC"}"#, #"{"t":"***"}"#),
            ("<b>hunter2/&#252;</b>", "<b>***</b>"), ("<b>hunter2&#x2f;&#xFC;</b>", "<b>***</b>"),
            ("aHVudGVyMi/DvA==", "***A=="), ("aHVudGVyMi_DvA", "***A"), ("aHVudGVyMi%2FDvA%3D%3D", "***A%3D%3D"),
            ("hunter2", "hunter2"), ("unter2/ü", "unter2/ü"), ("", ""), ("%", "%"), (#"\u00"#, #"\u00"#), ("&#;&&amp", "&#;&&amp"),
        ])
    func masked(text: String, expected: String) {
        #expect(Self.mask("hunter2/ü").masked(text) == expected)
    }

    @Test(
        "escapes of every kind are read",
        arguments: [
            ("a\"b\\c\n\t\r&<>'/", #"a\"b\\c\n\t\r&<>'\/"#), ("a\"b\\c&<>'/", "a&quot;b\\c&amp;&lt;&gt;&apos;/"), ("a b+c d", "a+b%2Bc+d"),
            ("a b+c d", "a%20b+c%20d"), ("😀😀😀", #"\ud83d\ude00\uD83D\uDE00😀"#), ("😀😀😀", "&#x1F600;&#128512;😀"), ("a&#38;b", "a&amp;#38;b"),
        ])
    func escapes(secret: String, text: String) {
        #expect(Self.mask(secret).masked("<\(text)>") == "<***>")
    }

    @Test("in base64 a secret is found whatever stands around it")
    func base64Anywhere() {
        let mask = Self.mask("s3cr3t-value")
        for before in 0..<7 {
            for after in 0..<7 {
                let whole = String(repeating: "x", count: before) + "s3cr3t-value" + String(repeating: "y", count: after)
                let shown = mask.masked("Basic \(Data(whole.utf8).base64EncodedString())")
                #expect(shown.contains("***"))
                // Beside the mark only digits are left that are of its neighbours, and at most one at either end that it shares with them.
                let left = shown.replacing("***", with: "").replacing("Basic ", with: "").replacing("=", with: "").count
                #expect(left <= (before * 8 + 5) / 6 + (after * 8 + 5) / 6 + 1, "\(shown)")
            }
        }
    }

    @Test("secrets that overlap, or are parts of each other, become one mark")
    func overlapping() {
        #expect(Self.mask("abcxabc").masked("<abcxabcxabc>") == "<***>")
        #expect(Self.mask("abcdef", "defghi", "abcdefghijkl").masked("<abcdefghi> <abcdefghijkl>") == "<***> <***>")
    }

    @Test("a text that is cut has no part of a secret that begins before the cut")
    func cut() {
        let secret = "s3cr3t/" + String(repeating: "z", count: 93)
        let mask = Self.mask(secret)
        let encoded = secret.utf8.map { "%" + String($0, radix: 16) }.joined()
        for form in [secret, encoded, Data(secret.utf8).base64EncodedString()] {
            for before in stride(from: 0, through: 120, by: 7) {
                let text = String(repeating: "é", count: before) + form + "tail"
                let shown = Excerpt.of(text, limit: 101, mask: mask)
                let start = 2 * before
                #expect(shown.hasPrefix(String(repeating: "é", count: min(before, 50))))
                if start < 101 { #expect(shown.contains("***"), "\(shown)") } else { #expect(!shown.contains("*")) }
                #expect(!shown.contains("s3cr") && !shown.contains("%73") && !shown.contains("zzz") && !shown.contains("czNj"), "\(shown)")
            }
        }
    }

    @Test("whatever the secret, its surroundings and the way it is written: it is gone, and what is around it stays", arguments: 0..<UInt64(4))
    func property(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let alphabet = Array(#"abcXYZ0189 +/=%&<>"'\{}[]?#@:;.,_-~ü€😀"# + "\n\t")
        for _ in 0..<500 {
            let secret = String((0..<Int.random(in: 6...40, using: &random)).map { _ in alphabet.randomElement(using: &random)! })
            let mask = SecretMask([Secret("another-one"), Secret(secret)])
            let (before, after) = (Self.neutral(&random), Self.neutral(&random))
            for (name, form) in Self.writings(secret, &random) {
                let shown = mask.masked(before + form + after)
                #expect(shown == before + "***" + after, "\(name) of \(secret): \(shown)")
            }
        }
    }

    @Test("a text of a million near misses takes no longer than one pass for each form")
    func nearMisses() {
        let mask = Self.mask(String(repeating: "a", count: 4095) + "b")
        let text = String(repeating: "a", count: 1_000_000)
        let started = ContinuousClock.now
        #expect(mask.masked(text) == text)
        #expect(ContinuousClock.now - started < .seconds(5))
    }

    /// Nothing that a secret of the test's alphabet could begin or end with, and no escape.
    private static func neutral(_ random: inout SeededRandom) -> String {
        String((0..<Int.random(in: 0...20, using: &random)).map { _ in "PQRST|".randomElement(using: &random)! })
    }

    /// As encoders of all kinds write it, each whole. Base64 has a test of its own: its last digits may be shared with what comes after.
    private static func writings(_ secret: String, _ random: inout SeededRandom) -> [(String, String)] {
        let unreserved = CharacterSet(charactersIn: "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")
        let uri = secret.addingPercentEncoding(withAllowedCharacters: unreserved)!
        let mixed = secret.utf8.map { byte in
            let isPlain = unreserved.contains(UnicodeScalar(byte)) && Bool.random(using: &random)
            let hex = String(byte, radix: 16, uppercase: Bool.random(using: &random))
            return isPlain ? String(UnicodeScalar(byte)) : "%" + (hex.count == 1 ? "0" : "") + hex
        }.joined()
        var json = String(decoding: try! JSONEncoder().encode([secret]), as: UTF8.self)
        json = String(json.dropFirst(2).dropLast(2))
        let ascii = secret.utf16.map { $0 < 128 && $0 > 31 && $0 != 34 && $0 != 92 ? String(UnicodeScalar(UInt8($0))) : Self.unit($0) }.joined()
        var html = secret.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;").replacing("\"", with: "&quot;")
        html = html.replacing("'", with: Bool.random(using: &random) ? "&#39;" : "&#x27;")
        return [
            ("plain", secret), ("encodeURIComponent", uri), ("form", uri.replacing("%20", with: "+")), ("mixed", mixed), ("JSON", json),
            ("ASCII JSON", ascii), ("HTML", html),
        ]
    }

    private static func unit(_ unit: UInt16) -> String {
        let hex = String(unit, radix: 16)
        return "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
    }
}
