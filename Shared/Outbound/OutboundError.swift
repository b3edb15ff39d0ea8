import Primitives

/// Every way in which a request can end without a response.
package enum OutboundError: Error, Hashable, Sendable {
    /// The request itself is wrong; nothing was sent.
    case invalidRequest(String)
    case blockedTarget(BlockReason)
    case dns(String)
    case connect(String)
    case tls(String)
    case timeout(Step)
    case responseTooLarge(Part)
    case decompressionBomb
    case tooManyRedirects
    /// Whoever sent the request does not want it to go there.
    case redirectRefused(to: String)
    /// What came is not HTTP.
    case protocolViolation(String)
    /// The peer closed or reset the connection before the response was whole.
    case connectionLost(String)
    case cancelled
    /// As many requests as `OutboundLimits.waiting` allows are waiting already; try again later.
    case saturated

    /// What was being waited for when time ran out.
    package enum Step: String, Sendable {
        case queue, dns, connect, tls, firstByte = "first_byte", body
        /// Nothing moved for `TransferLimits.idle`.
        case idle
    }

    package enum Part: String, Sendable {
        case headers, body
    }

    /// Stable, shown to users and matched on by them. A bomb is a body that is too large by other means, and shares its code (T76).
    package var code: String {
        switch self {
        case .invalidRequest: "invalid_request"
        case .blockedTarget: "blocked_target"
        case .dns: "dns_failed"
        case .connect: "connect_failed"
        case .tls: "tls_failed"
        case .timeout: "timeout"
        case .responseTooLarge, .decompressionBomb: "response_too_large"
        case .tooManyRedirects: "too_many_redirects"
        case .redirectRefused: "redirect_refused"
        case .protocolViolation: "protocol_violation"
        case .connectionLost: "connection_lost"
        case .cancelled: "cancelled"
        case .saturated: "outbound_saturated"
        }
    }

    /// One sentence for the person who chose the target.
    package var detail: String {
        switch self {
        case .invalidRequest(let what): what
        case .blockedTarget(let reason): "The target is blocked: \(reason)."
        case .dns(let what): "The host name could not be resolved: \(what)."
        case .connect(let what): "The connection could not be made: \(what)."
        case .tls(let what): "The TLS handshake failed: \(what)."
        case .timeout(let step): "Time ran out (\(step.rawValue))."
        case .responseTooLarge(let part): "The response is larger than allowed (\(part.rawValue))."
        case .decompressionBomb: "The response unpacks to more than \(TransferLimits.maximumRatio) times its size."
        case .redirectRefused(let origin): "A redirect to \(origin) is not followed."
        case .tooManyRedirects: "There were too many redirects."
        case .protocolViolation(let what): "The response is not valid HTTP: \(what)."
        case .connectionLost(let what): "The connection ended before the response was complete: \(what)."
        case .cancelled: "The request was cancelled."
        case .saturated: "Too many requests are waiting to be sent."
        }
    }

    /// For refusing a URL at the edge, where `pointer` is the field that held it (422 on webhook create).
    package func fault(pointer: String) -> Fault {
        switch self {
        case .saturated, .cancelled, .timeout: .unavailable(code, detail)
        default: .invalidField(pointer, code, detail)
        }
    }
}
