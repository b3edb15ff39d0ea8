/// That a method or a field is on its way out: since when, and from when on it may be gone, both in Unix seconds (RFC 9745, RFC 8594).
package struct Deprecation: Sendable, Hashable {
    package let since: Int64
    package let sunset: Int64?

    package init(since: Int64, sunset: Int64? = nil) {
        self.since = since
        self.sunset = sunset
    }
}
