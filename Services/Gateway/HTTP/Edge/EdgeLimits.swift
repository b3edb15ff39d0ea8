import NIOCore
import Primitives

/// What a connection may do before anybody knows who is behind it. The HTTP library has none of these limits, or far too generous ones.
struct EdgeLimits: Sendable {
    /// Bytes of one header field, and of all of them; number of fields (T01).
    var headerField = 8 * 1024
    var headerList = 32 * 1024
    var headerCount = 100
    /// Bytes of a request's target (T02).
    var target = 8 * 1024
    /// Time that a peer may take for the headers of a request, from the connection's beginning or the request's first byte (T06).
    var headers = TimeAmount.seconds(10)
    /// Time that a peer may take for a body, and bytes a second that it must send once it has taken the grace (T07).
    var body = TimeAmount.seconds(60)
    var bodyGrace = TimeAmount.seconds(5)
    var bodyRate = 1024
    /// Time that a peer may leave what is sent to it unread (T08).
    var stall = TimeAmount.seconds(30)
    /// Connections altogether, and from one address: an IPv4 address or a /64 of IPv6 (T15).
    var connections = 8192
    var connectionsPerAddress = 100
    /// Proxies bring the connections of many: the share of one address is not for them.
    var proxies: [Network] = []
    /// Where the pages of error codes are, for what is refused before anybody has looked at it.
    var publicURL = ""
}
