/// Reading `Location`, the one place where a stranger gives us a URL reference instead of a URL.
extension TargetURL {
    /// Resolves a reference against this URL (RFC 3986, section 5.2), under the same strict rules as a URL somebody typed.
    ///
    /// Blanks and bytes outside ASCII are percent-encoded first, as browsers do: real servers send them in paths. In a host they
    /// are refused all the same, because a percent sign is.
    package func resolving(_ reference: String) throws(OutboundError) -> TargetURL {
        let text = Self.encoded(reference)
        if text.hasPrefix("//") { return try TargetURL("\(scheme):\(text)") }
        let beforePath = text.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        if beforePath.contains(":") { return try TargetURL(text) }
        let path = String(target.prefix { $0 != "?" })
        let parts = text.prefix { $0 != "#" }
        let newPath = String(parts.prefix { $0 != "?" })
        let query = String(parts.dropFirst(newPath.count))
        let resolved: String
        if newPath.isEmpty {
            resolved = query.isEmpty ? target : path + query
        } else if newPath.hasPrefix("/") {
            resolved = Self.withoutDots(newPath) + query
        } else {
            let folder = path[...(path.lastIndex(of: "/") ?? path.startIndex)]
            resolved = Self.withoutDots(folder + newPath) + query
        }
        return try TargetURL(origin + resolved)
    }

    /// `remove_dot_segments` of RFC 3986, section 5.2.4, for paths that start with a slash.
    private static func withoutDots(_ path: String) -> String {
        var kept: [Substring] = []
        let segments = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        for (index, segment) in segments.enumerated() {
            let isLast = index == segments.count - 1
            switch segment {
            case ".": if isLast { kept.append("") }
            case "..":
                _ = kept.popLast()
                if isLast { kept.append("") }
            default: kept.append(segment)
            }
        }
        return "/" + kept.joined(separator: "/")
    }

    private static func encoded(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            if byte == 0x20 || byte >= 0x80 {
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
