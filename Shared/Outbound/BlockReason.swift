import Primitives

/// Why a target was refused. The raw text follows `blocked_target` in what users see, so it is stable.
package enum BlockReason: Hashable, Sendable, CustomStringConvertible {
    /// One of the addresses of the host is not public.
    case address(IPAddress, SpecialRange)
    case port(UInt16)
    case scheme
    /// A redirect from https to http.
    case downgrade
    /// A redirect to something that is not a plain http or https URL.
    case redirectTarget
    /// The connection reached an address other than the one that was checked.
    case unexpectedPeer

    package var description: String {
        switch self {
        case .address(let address, let range): "\(address) is not a public address (\(range.rawValue))"
        case .port(let port): "port \(port) is not allowed"
        case .scheme: "this scheme is not allowed"
        case .downgrade: "a redirect from https to http is not followed"
        case .redirectTarget: "a redirect to anything but a plain http or https URL is not followed"
        case .unexpectedPeer: "the connection reached an address that was not checked"
        }
    }
}
