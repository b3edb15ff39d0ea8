import Primitives

/// An absolute http or https URL that somebody else chose, in the one notation that every reader of URLs reads alike.
///
/// Stricter than RFC 3986 and WHATWG on purpose: whatever two parsers could take for two hosts (userinfo, backslash, short or octal
/// IPv4, percent or non-ASCII in the host, trailing dot) is refused instead of repaired. The path and query are kept byte for byte.
package struct TargetURL: Hashable, Sendable {
    package enum Scheme: String, Sendable, Hashable {
        case http, https

        package var defaultPort: UInt16 { self == .http ? 80 : 443 }
    }

    package enum Host: Hashable, Sendable {
        /// A DNS name in lower case, letters, digits, hyphens and underscores.
        case name(String)
        case address(IPAddress)
    }

    /// Longest URL in bytes.
    package static let maximumLength = 8192

    package let scheme: Scheme
    package let host: Host
    package let port: UInt16
    /// Path and query as sent on the request line; starts with a slash, has no fragment.
    package let target: String

    /// - Throws: `invalidRequest` naming what is wrong.
    package init(_ text: String) throws(OutboundError) {
        guard text.utf8.count <= Self.maximumLength else { throw Self.refused("is longer than \(Self.maximumLength) bytes") }
        for byte in text.utf8 { try Self.check(byte) }
        guard let colon = text.firstRange(of: "://") else { throw Self.refused("must start with http:// or https://") }
        guard let scheme = Scheme(rawValue: text[..<colon.lowerBound].lowercased()) else { throw Self.refused("must be http or https") }
        let rest = text[colon.upperBound...]
        let end = rest.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? rest.endIndex
        let (host, port) = try Self.authority(rest[..<end])
        let target = try Self.checkedTarget(rest[end...])
        self.init(scheme: scheme, host: host, port: port ?? scheme.defaultPort, target: target)
    }

    init(scheme: Scheme, host: Host, port: UInt16, target: String) {
        self.scheme = scheme
        self.host = host
        self.port = port
        self.target = target
    }

    /// Scheme, host and port: what a browser takes for one site when it decides whether credentials may follow.
    package var origin: String {
        let name =
            switch host {
            case .name(let name): name
            case .address(let address): address.family == .v6 ? "[\(address)]" : "\(address)"
            }
        return port == scheme.defaultPort ? "\(scheme)://\(name)" : "\(scheme)://\(name):\(port)"
    }

    static func refused(_ what: String) -> OutboundError { .invalidRequest("The URL \(what).") }

    /// Everything RFC 3986 does not allow in a URL, and braces: an unfilled `{{variable}}` must not go out.
    private static func check(_ byte: UInt8) throws(OutboundError) {
        switch byte {
        case 0...0x1F, 0x7F: throw refused("has a control character")
        case 0x20: throw refused("has a blank; write %20")
        case 0x80...: throw refused("has a character outside ASCII; percent-encode paths and write host names as xn--…")
        case UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "^"), UInt8(ascii: "`"),
            UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "|"):
            throw refused("has the character \(Character(UnicodeScalar(byte))), which must be percent-encoded")
        default: return
        }
    }

    private static func checkedTarget(_ text: Substring) throws(OutboundError) -> String {
        let visible = text.prefix { $0 != "#" }
        let bytes = Array(visible.utf8)
        for (index, byte) in bytes.enumerated() where byte == UInt8(ascii: "%") {
            guard index + 2 < bytes.count, bytes[index + 1].isHexDigit, bytes[index + 2].isHexDigit else {
                throw refused("has a % without two hexadecimal digits")
            }
        }
        return visible.hasPrefix("/") ? String(visible) : "/" + visible
    }
}

extension TargetURL: CustomStringConvertible {
    package var description: String { origin + target }
}

extension UInt8 {
    var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
    var isLetter: Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20) }
    var isHexDigit: Bool { isDigit || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(self | 0x20) }
}
