import Primitives

/// On which machines the results of an upload were carried out, as far as its reports or its tags say. What fails on one machine only may be the
/// machine's doing, which Analytics finds out.
struct ReportedPlaces: Codable, Equatable, Sendable {
    /// Changes of machine that are kept: merged reports of that many machines are rare, and of what comes later no machine is known.
    static let most = 1_000
    static let longestName = 255
    /// Tags of an upload that name its machine, where the reports do not, and the zone or region that it stands in.
    static let hostTag = "host"
    static let zoneTag = "zone"

    /// From one result of the upload on, until the next.
    struct Span: Codable, Equatable, Sendable {
        /// Counts from 0.
        let from: Int
        /// Empty when it is not known.
        let host: String
    }

    private(set) var spans: [Span] = []
    let zone: String
    private var usual = ""
    /// As it came last: most results have the machine of the one before.
    private var last: String?

    private enum CodingKeys: CodingKey { case spans, zone }

    init(tags: [String: String] = [:]) {
        zone = Self.name(tags[Self.zoneTag] ?? "")
        usual = Self.name(tags[Self.hostTag] ?? "")
    }

    var isEmpty: Bool { spans.isEmpty && zone.isEmpty }

    /// Results come in the order of the upload.
    mutating func note(_ host: String, at index: Int) {
        guard host != last else { return }
        last = host
        let named = Self.name(host)
        let host = named.isEmpty ? usual : named
        guard host != spans.last?.host ?? "", spans.count <= Self.most else { return }
        spans.append(Span(from: index, host: spans.count < Self.most ? host : ""))
    }

    func host(at index: Int) -> String {
        var (low, high) = (0, spans.count)
        while low < high {
            let middle = (low + high) / 2
            if spans[middle].from <= index { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? "" : spans[low - 1].host
    }

    /// What every machine calls itself names none.
    private static func name(_ text: String) -> String {
        text.lowercased() == "localhost" || text == "127.0.0.1" ? "" : String(text.prefix(longestName))
    }
}
