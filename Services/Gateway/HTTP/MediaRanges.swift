/// What an `Accept` header allows (RFC 9110, section 12.5.1).
struct MediaRanges {
    /// Whether a client that sent `header` takes `type`, in lower case and without parameters. Without a header, or with an empty one, everything is
    /// welcome.
    static func allow(_ type: String, in header: String?) -> Bool { preference(for: type, in: header).quality > 0 }

    /// How much it is wanted (`q`, 0 to 1), and by how specific a range: 3 names the type itself, 0 says nothing of it.
    static func preference(for type: String, in header: String?) -> (quality: Double, rank: Int) {
        guard let header else { return (1, 0) }
        let family = type.prefix { $0 != "/" } + "/*"
        // The most specific range decides: `application/json;q=0, */*` does not want JSON.
        var best = (quality: header.split(separator: ",").isEmpty ? 1.0 : 0, rank: 0)
        for part in header.split(separator: ",") {
            let pieces = part.split(separator: ";").map { $0.trimmed.lowercased() }
            guard let range = pieces.first else { continue }
            let rank = range == type ? 3 : range == family ? 2 : range == "*/*" ? 1 : 0
            guard rank >= best.rank, rank > 0 else { continue }
            let quality = pieces.dropFirst().first { $0.hasPrefix("q=") }.map { Double($0.dropFirst(2)) ?? 1 } ?? 1
            best = (quality, rank)
        }
        return best
    }
}
