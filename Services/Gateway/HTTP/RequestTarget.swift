import Primitives

/// The target of a request, taken apart and decoded: path segments and query pairs.
struct RequestTarget: Sendable {
    static let maxParameters = 100

    /// As received, without the query; for problem documents and links.
    let path: String
    /// As received, without the question mark; empty when there is none.
    let rawQuery: Substring

    init(path: String, rawQuery: Substring) {
        self.path = path
        self.rawQuery = rawQuery
    }

    init(_ target: String) {
        if let mark = target.utf8.firstIndex(of: UInt8(ascii: "?")) {
            path = String(target[..<mark])
            let query = target[target.utf8.index(after: mark)...]
            rawQuery = query.utf8.firstIndex(of: UInt8(ascii: "#")).map { query[..<$0] } ?? query
        } else {
            path = target
            rawQuery = ""
        }
    }

    /// A key in a URL has already leaked into logs and histories on its way here (T48).
    var holdsKey: Bool {
        !rawQuery.isEmpty && (rawQuery.contains("asy_") || rawQuery.contains("asy%5"))
    }

    /// - Throws: `request.malformed_query`, `request.too_many_parameters`.
    func query() throws(Fault) -> [(name: String, value: String)] {
        guard !rawQuery.isEmpty else { return [] }
        var pairs: [(name: String, value: String)] = []
        for part in rawQuery.split(separator: "&", omittingEmptySubsequences: true) {
            guard pairs.count < Self.maxParameters else { throw .queryTooMany(Self.maxParameters) }
            let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = PercentEncoding.decode(sides[0], plusIsSpace: true),
                let value = PercentEncoding.decode(sides.count > 1 ? sides[1] : "", plusIsSpace: true)
            else { throw .queryMalformed }
            pairs.append((name, value))
        }
        return pairs
    }
}

/// Percent-encoding (RFC 3986) of UTF-8 text.
enum PercentEncoding {
    /// `nil` when an escape is broken, the bytes are not UTF-8, or there is a NUL.
    static func decode(_ text: Substring, plusIsSpace: Bool) -> String? {
        guard text.utf8.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") || $0 == 0 }) else { return String(text) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else { return nil }
                bytes.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsSpace: bytes.append(UInt8(ascii: " "))
            default: bytes.append(byte)
            }
        }
        return bytes.contains(0) ? nil : String(validating: bytes, as: UTF8.self)
    }

    /// Everything but unreserved characters is escaped, so the result fits a path segment and a query value alike.
    static func encode(_ text: String) -> String {
        var encoded = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                encoded += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return encoded
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
