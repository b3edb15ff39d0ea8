import Foundation

/// As much of Structured Fields (RFC 9651) as uploads in pieces need. What is not well formed counts as absent, as their drafts demand.
enum StructuredField {
    static func boolean(_ text: String) -> Bool? {
        switch item(text) {
        case "?1": true
        case "?0": false
        default: nil
        }
    }

    /// Not negative.
    static func integer(_ text: String) -> Int64? {
        let digits = item(text)
        guard (1...15).contains(digits.utf8.count), digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            return nil
        }
        return Int64(digits)
    }

    /// The SHA-256 in a digest field (RFC 9530): `sha-256=:base64:`, among others perhaps.
    static func sha256(_ text: String) -> Data? {
        for member in text.split(separator: ",").map(\.trimmed) where member.hasPrefix("sha-256=:") {
            let value = item(String(member.dropFirst("sha-256=".count)))
            guard value.hasSuffix(":"), let digest = Data(base64Encoded: String(value.dropFirst().dropLast())), digest.count == 32 else { return nil }
            return digest
        }
        return nil
    }

    /// Without parameters.
    private static func item(_ text: String) -> String { String(text.prefix { $0 != ";" }.trimmed) }
}
