import Logging
import Primitives

/// Decides by *who asks*: identity, then the permission that the contract declares for the method.
struct VerifyCaller: Sendable {
    /// The one service whose callers choose the method they reach. It never signs a user's call to an internal method, and if it did, the
    /// call would be refused here.
    static let gateway = "gateway"

    let keys: CallerKeys
    let logger: Logger

    /// - Parameter peer: the service that the certificate names, under mutual TLS: no service can speak in another's name.
    /// - Returns: `nil` for a call without identity to a public method.
    func caller(_ metadata: InboundMetadata, from peer: String?, requestID: String, method: MethodTable.Entry) throws(Fault) -> Caller? {
        guard let token = metadata.callerToken else {
            if method.access == .anyone { return nil }
            throw refused(.malformed, method)
        }
        let verified: CallerKeys.Verified
        do {
            verified = try keys.verify(token)
        } catch {
            throw refused(error, method)
        }
        guard peer == nil || verified.issuer == peer else { throw refused(.issuer, method) }
        try check(verified, method.access)
        return Caller(identity: verified.identity, requestID: requestID, idempotencyKey: metadata.idempotencyKey)
    }

    private func check(_ verified: CallerKeys.Verified, _ access: MethodTable.Access) throws(Fault) {
        switch access {
        case .anyone, .authenticated:
            break
        case .services:
            // A service may also call on behalf of the user it is serving: it chose the method, not the user.
            guard verified.identity.isService || verified.issuer != Self.gateway else { throw .internalMethod }
        case .holders(let permission):
            // Held in one project is enough to be let in; the handler asks in which (`Caller.require(project:)`).
            guard verified.identity.holds(permission) else {
                throw .permissionMissing(permission)
            }
        }
    }

    private func refused(_ reason: CallerToken.Refusal, _ method: MethodTable.Entry) -> Fault {
        logger.warning("refused a call without valid identity", metadata: ["method": "\(method.name)", "reason": "\(reason.rawValue)"])
        return .callerRefused
    }
}

extension Fault {
    package static func permissionMissing(_ permission: String) -> Fault {
        Fault(.forbidden, "permission.missing", "This needs the permission \(permission).")
    }

    static var internalMethod: Fault {
        Fault(.forbidden, "caller.internal_method", "This method is for services only.")
    }
}
