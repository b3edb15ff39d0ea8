import SwiftProtobuf

/// Times of day with an offset (RFC 3339, 5.6).
enum RFC3339 {
    /// The same moment without an offset, where that is more than the 13:59 that SwiftProtobuf reads: Kiribati is at +14:00, and the grammar goes up to
    /// 23:59. Everything else, and whatever is no such time, as it is.
    static func inUTC(_ text: String) -> String {
        guard let match = text.wholeMatch(of: /(.+)([+-])(1[4-9]|2[0-3]):([0-5][0-9])/), let hours = Int64(match.3), let minutes = Int64(match.4),
            var time = try? Google_Protobuf_Timestamp(jsonString: "\"\(match.1)Z\"")
        else { return text }
        time.seconds += (hours * 3600 + minutes * 60) * (match.2 == "+" ? -1 : 1)
        guard let moved = try? time.jsonString() else { return text }
        return String(moved.dropFirst().dropLast())
    }
}
