import Foundation

/// A JSON object of somebody else's, of which little is asked. Another type than the expected one counts as absent.
struct JSONObject {
    let members: [String: Any]

    init(members: [String: Any]) { self.members = members }

    init?(_ value: Any?) {
        guard let members = value as? [String: Any] else { return nil }
        self.members = members
    }

    /// - Returns: `nil` for what is no JSON, or no object.
    init?(_ data: Data) { self.init(try? JSONSerialization.jsonObject(with: data)) }

    func text(_ name: String) -> String? { members[name] as? String }
    func object(_ name: String) -> JSONObject? { JSONObject(members[name]) }
    func objects(_ name: String) -> [JSONObject] { (members[name] as? [Any])?.compactMap { JSONObject($0) } ?? [] }
    func bool(_ name: String) -> Bool? { members[name] as? Bool }

    func number(_ name: String) -> Double? {
        guard let number = members[name] as? NSNumber else { return nil }
        return number.doubleValue.isFinite ? number.doubleValue : nil
    }

    /// Milliseconds since 1970, or RFC 3339.
    func time(_ name: String) -> Date? {
        if let milliseconds = number(name), milliseconds > 0, milliseconds < 1e15 { return Date(timeIntervalSince1970: milliseconds / 1000) }
        guard let text = text(name) else { return nil }
        if let time = try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)) { return time }
        return try? Date(text, strategy: .iso8601)
    }

    /// The same object always gives the same bytes: repetitions are known by them.
    func data() throws -> Data { try JSONSerialization.data(withJSONObject: members, options: [.sortedKeys, .withoutEscapingSlashes]) }
}
