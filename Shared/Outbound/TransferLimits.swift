/// How long a transfer may take and how much it may bring (T76). Every number has a ceiling that no request can lift.
package struct TransferLimits: Hashable, Sendable {
    /// What happens to a body that is longer than `body`.
    package enum Excess: Sendable {
        case fail
        /// The transfer ends there and what was read is the response: a webhook's answer is its status.
        case cut
    }

    /// From the first address tried to the last, with TLS.
    package var connect: Duration = .seconds(5)
    /// Without a byte in either direction; whole seconds, rounded up.
    package var idle: Duration = .seconds(15)
    /// Everything: waiting for a slot, names, redirects, body.
    package var total: Duration = .seconds(30)
    /// All header lines of one response together, with informational responses and trailers; bytes.
    package var headers: Int = 64 << 10
    /// The decoded body; bytes.
    package var body: Int = 10 << 20
    package var excess: Excess = .fail

    package init() {}

    /// A webhook receiver gets 15 s, and 64 KiB of its reply are read (T111).
    package static var webhook: TransferLimits {
        var limits = TransferLimits()
        limits.total = .seconds(15)
        limits.body = 64 << 10
        limits.excess = .cut
        return limits
    }

    static let maximumTotal = Duration.seconds(300)
    static let maximumBody = 64 << 20
    /// A body that unpacks to more than this many times its size is a bomb; small bodies may, up to `ratioFree` bytes.
    static let maximumRatio = 100
    static let ratioFree = 1 << 20

    /// The same with every value inside its bounds.
    var clamped: TransferLimits {
        var limits = self
        limits.total = min(max(total, .milliseconds(1)), Self.maximumTotal)
        limits.connect = min(max(connect, .milliseconds(1)), limits.total)
        limits.idle = min(max(idle, .seconds(1)), limits.total)
        limits.headers = min(max(headers, 1024), 256 << 10)
        limits.body = min(max(body, 0), Self.maximumBody)
        return limits
    }
}
