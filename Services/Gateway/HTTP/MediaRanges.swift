/// What an `Accept` header allows (RFC 9110, section 12.5.1).
struct MediaRanges {
    /// Whether a client that sent `header` takes `type`, in lower case and without parameters. Without a header, or with an empty one, everything is
    /// welcome.
    static func allow(_ type: String, in header: String?) -> Bool {
        guard let header else { return true }
        let family = type.prefix { $0 != "/" } + "/*"
        // The most specific range decides: `application/json;q=0, */*` does not want JSON.
        var best = (rank: 0, isWanted: header.split(separator: ",").isEmpty)
        for part in header.split(separator: ",") {
            let pieces = part.split(separator: ";").map { $0.trimmed.lowercased() }
            guard let range = pieces.first else { continue }
            let rank = range == type ? 3 : range == family ? 2 : range == "*/*" ? 1 : 0
            guard rank >= best.rank, rank > 0 else { continue }
            let quality = pieces.dropFirst().first { $0.hasPrefix("q=") }.map { Double($0.dropFirst(2)) ?? 1 } ?? 1
            best = (rank, quality > 0)
        }
        return best.isWanted
    }
}
