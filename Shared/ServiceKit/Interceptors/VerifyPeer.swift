import FrameTransport
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Logging
import Primitives
import X509

/// Decides by *which service calls*, as far as its certificate says so: under mutual TLS a call needs a name of ours, and the call graph an entry.
struct VerifyPeer: Sendable {
    /// This service.
    let callee: String
    let logger: Logger

    /// - Returns: the calling service, or `nil` for a probe of health, which any certificate of our authority may make.
    func caller(of context: ServerContext, method: MethodTable.Entry) throws(Fault) -> String? {
        if method.isHealth { return nil }
        let names = Self.names(context).filter { $0.hasPrefix(CallGraph.identityPrefix) }
        // A certificate is for one service. With two names it would be unclear whose call it is.
        guard names.count == 1, let name = names.first?.dropFirst(CallGraph.identityPrefix.count) else {
            logger.warning("refused a call without a service's certificate", metadata: ["method": "\(method.name)", "peer": "\(context.remotePeer)"])
            throw .callerRefused
        }
        let caller = String(name)
        guard CallGraph.allows(caller, toCall: callee) else {
            logger.warning("refused a call that the call graph does not allow", metadata: ["method": "\(method.name)", "caller": "\(caller)"])
            throw .callerNotAllowed(caller)
        }
        return caller
    }

    /// URIs of the certificate that was verified in the handshake.
    private static func names(_ context: ServerContext) -> [String] {
        if let peer = context.transportSpecific as? FramePeer { return peer.subjectAlternativeNames }
        guard let peer = context.transportSpecific as? HTTP2ServerTransport.Posix.Context,
            let names = try? peer.peerCertificate?.extensions.subjectAlternativeNames
        else { return [] }
        return names.compactMap { name in
            if case .uniformResourceIdentifier(let uri) = name { uri } else { nil }
        }
    }
}

extension Fault {
    static func callerNotAllowed(_ caller: String) -> Fault {
        Fault(.forbidden, "caller.not_allowed", "The service \(caller) may not call this one.")
    }
}
