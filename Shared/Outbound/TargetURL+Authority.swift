import Primitives

/// The part between `//` and the path, where the tricks live.
extension TargetURL {
    /// Host and, when written, port.
    static func authority(_ text: Substring) throws(OutboundError) -> (Host, UInt16?) {
        guard !text.contains("@") else { throw refused("must not carry a user name or password") }
        guard !text.contains("%") else { throw refused("must not percent-encode its host") }
        if text.hasPrefix("[") {
            guard let close = text.firstIndex(of: "]") else { throw refused("has an unclosed [") }
            let inner = String(text[text.index(after: text.startIndex)..<close])
            guard let address = IPAddress(inner), address.family == .v6 else { throw refused("has an IPv6 address that cannot be read") }
            return (.address(address), try port(text[text.index(after: close)...]))
        }
        let end = text.firstIndex(of: ":") ?? text.endIndex
        return (try host(String(text[..<end]).lowercased()), try port(text[end...]))
    }

    /// `:8080`, or nothing.
    private static func port(_ text: Substring) throws(OutboundError) -> UInt16? {
        guard !text.isEmpty else { return nil }
        let digits = text.dropFirst()
        guard text.hasPrefix(":"), digits.utf8.allSatisfy(\.isDigit), let port = UInt16(digits), port > 0, "\(port)" == digits else {
            throw refused("has a port that is not a number from 1 to 65535")
        }
        return port
    }

    private static func host(_ text: String) throws(OutboundError) -> Host {
        guard !text.isEmpty else { throw refused("has no host") }
        guard text.utf8.count <= 253 else { throw refused("has a host longer than 253 characters") }
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        for label in labels {
            guard !label.isEmpty else { throw refused("has a host with an empty label; write it without a dot at either end") }
            guard label.utf8.count <= 63 else { throw refused("has a host label longer than 63 characters") }
            guard label.utf8.allSatisfy({ $0.isLetter || $0.isDigit || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }) else {
                throw refused("has a host with a character that host names do not have")
            }
            guard !label.hasPrefix("-"), !label.hasSuffix("-") else { throw refused("has a host label that starts or ends with a hyphen") }
        }
        // WHATWG calls it "ends in a number": resolvers take any such host for an IPv4 address, in octal, hex or with parts left out.
        if let last = labels.last, isNumber(last) {
            guard let address = IPAddress(text) else {
                throw refused("has a numeric host; IPv4 addresses are written as four decimal numbers without leading zeros")
            }
            return .address(address)
        }
        return .name(text)
    }

    private static func isNumber(_ label: Substring) -> Bool {
        label.utf8.allSatisfy(\.isDigit) || label.hasPrefix("0x") && label.utf8.dropFirst(2).allSatisfy(\.isHexDigit)
    }
}
