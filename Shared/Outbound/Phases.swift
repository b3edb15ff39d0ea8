/// When the steps of one exchange were done, each counted from its start, so they never decrease: dns ≤ connect ≤ tls ≤ firstByte ≤ total.
///
/// A step that did not happen (a literal address, a connection that was still open, plain http) ends when the one before it did. Waiting
/// for a slot is not counted: it says nothing about the target.
package struct Phases: Hashable, Sendable {
    package let dns: Duration
    package let connect: Duration
    package let tls: Duration
    package let firstByte: Duration
    package let total: Duration

    /// `marks` are libcurl's, in microseconds from the start of its part; 0 where a step did not happen.
    init(dns: Duration, connect: Int, tls: Int, firstByte: Int, total: Int) {
        var latest = 0
        func mark(_ value: Int) -> Duration {
            latest = max(latest, value)
            return dns + .microseconds(latest)
        }
        self.dns = dns
        self.connect = mark(connect)
        self.tls = mark(tls)
        self.firstByte = mark(firstByte)
        self.total = mark(total)
    }
}
