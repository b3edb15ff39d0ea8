/// A rule of the wire that a peer broke. It costs the peer its connection, never the process; the reason is sent in a go-away frame.
package struct FrameViolation: Error, Hashable, Sendable, CustomStringConvertible {
    package let reason: String

    init(_ reason: String) { self.reason = reason }

    package var description: String { reason }
}
