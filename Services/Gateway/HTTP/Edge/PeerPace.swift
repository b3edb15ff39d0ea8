import NIOCore

/// How fast one peer sends and reads. Only time counts in which the gateway waited for the peer: when it is the gateway that does not read, because
/// what is behind it is slow, nobody is to blame for the pause.
///
/// A pure state: moments are arguments.
struct PeerPace {
    enum Verdict: Equatable {
        case fine
        case slowHeaders
        case slowBody
        case stalled
    }

    private enum Reading {
        /// Between two requests.
        case nothing
        case headers
        case body
    }

    private let limits: EdgeLimits
    // A connection begins by owing its first request.
    private var reading = Reading.headers
    /// Of the headers or the body that is being read.
    private var bytes = 0
    /// The request's first line is not complete: what is too long then is its target.
    private(set) var isInFirstLine = true
    private var waited = TimeAmount.zero
    private var waitingSince: NIODeadline?

    private var written = 0
    private var sent = 0
    private var sentAt: NIODeadline

    init(_ limits: EdgeLimits, now: NIODeadline) {
        self.limits = limits
        sentAt = now
    }

    // MARK: What the peer sends

    /// The gateway wants to hear more.
    mutating func listens(at now: NIODeadline) {
        if waitingSince == nil { waitingSince = now }
    }

    /// - Parameter endsLine: a line ends within the bytes.
    mutating func received(_ count: Int, endsLine: Bool = false, at now: NIODeadline) {
        if let since = waitingSince { waited = waited + (now - since) }
        waitingSince = nil
        if case .nothing = reading { begin(.headers) }
        bytes += count
        if endsLine { isInFirstLine = false }
    }

    mutating func headEnded() { begin(.body) }

    mutating func requestEnded() { begin(.nothing) }

    private mutating func begin(_ reading: Reading) {
        self.reading = reading
        isInFirstLine = true
        bytes = 0
        waited = .zero
    }

    // MARK: What the peer reads

    mutating func wrote(_ count: Int) { written += count }

    // MARK: Looking

    /// - Parameter unsent: bytes that were written and have not left yet.
    mutating func verdict(unsent: Int, at now: NIODeadline) -> Verdict {
        if unsent == 0 || written - unsent > sent { sentAt = now }
        sent = written - unsent
        if unsent > 0, now - sentAt >= limits.stall { return .stalled }
        let waited = self.waited + (waitingSince.map { now - $0 } ?? .zero)
        switch reading {
        case .nothing: return .fine
        case .headers: return waited >= limits.headers ? .slowHeaders : .fine
        case .body:
            if waited >= limits.body { return .slowBody }
            guard waited >= limits.bodyGrace else { return .fine }
            return Double(bytes) < Double(waited.nanoseconds) / 1e9 * Double(limits.bodyRate) ? .slowBody : .fine
        }
    }
}
