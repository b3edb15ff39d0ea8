import Primitives

/// The server that takes our mail, which the operator chose.
package struct MailRelay: Sendable {
    /// How the connection is kept from being read.
    package enum Security: Sendable {
        /// TLS from the first byte (RFC 8314).
        case implicit
        /// STARTTLS, or no mail: a relay that does not offer it is refused.
        case startTLS
        /// For a relay on the same machine.
        case none
    }

    package let host: TargetURL.Host
    package let port: UInt16
    package let security: Security
    package let user: String?
    package let password: Secret<String>?

    /// - Parameters:
    ///   - url: `smtps://host[:465]`, or `smtp://host[:587]`, without user and password.
    ///   - isPlain: for `smtp`, that STARTTLS is not asked for.
    /// - Throws: `invalidRequest` naming what is wrong.
    package init(_ url: String, isPlain: Bool = false, user: String? = nil, password: Secret<String>? = nil) throws(OutboundError) {
        let isImplicit = url.hasPrefix("smtps://")
        guard isImplicit || url.hasPrefix("smtp://") else { throw TargetURL.refused("must start with smtps:// or smtp://") }
        let authority = url.dropFirst(isImplicit ? 8 : 7)
        let (host, port) = try TargetURL.authority(authority.hasSuffix("/") ? authority.dropLast() : authority)
        self.host = host
        self.port = port ?? (isImplicit ? 465 : 587)
        security = isImplicit ? .implicit : isPlain ? .none : .startTLS
        self.user = user
        self.password = password
    }

    var url: String {
        let name =
            switch host {
            case .name(let name): name
            case .address(let address): address.family == .v6 ? "[\(address)]" : "\(address)"
            }
        return "\(security == .implicit ? "smtps" : "smtp")://\(name):\(port)"
    }
}

/// Why a mail was not taken.
package struct MailError: Error, Hashable, Sendable {
    /// Trying again may help: the relay was not reached, or said so (4xx).
    package let isPassing: Bool
    /// For operators; holds no credentials.
    package let detail: String

    package init(isPassing: Bool, detail: String) {
        self.isPassing = isPassing
        self.detail = detail
    }
}
