import Foundation
import GRPCCore

/// Everything a call takes along: who asks, which request and trace it belongs to, and how long it may take.
///
/// Plain metadata beside the signed token, because none of it grants anything.
package struct ClientCallInterceptor: ClientInterceptor {
    /// The service that is called; the token is good for no other.
    let audience: String
    let keys: CallerKeys

    package init(audience: String, keys: CallerKeys) {
        self.audience = audience
        self.keys = keys
    }

    package func intercept<Input: Sendable, Output: Sendable>(
        request: StreamingClientRequest<Input>, context: ClientContext,
        next: (StreamingClientRequest<Input>, ClientContext) async throws -> StreamingClientResponse<Output>
    ) async throws -> StreamingClientResponse<Output> {
        var request = request
        let call = CallContext.current
        // The caller's own `CallOptions.timeout`, if any, is there already.
        let own = request.metadata[stringValues: InboundMetadata.timeoutKey].first { _ in true }.flatMap(InboundMetadata.duration(grpcTimeout:))
        if let limit = try PropagateDeadline.limit(of: context.descriptor, bound: call?.deadline, own: own, now: .now) {
            request.metadata.replaceOrAddString(InboundMetadata.grpcTimeout(limit), forKey: InboundMetadata.timeoutKey)
        }
        if let call {
            request.metadata.addString(call.requestID, forKey: InboundMetadata.requestIDKey)
            request.metadata.addString(call.trace.traceparent, forKey: Trace.metadataKey)
            if audience == VerifyCaller.gateway, !call.userAgent.isEmpty {
                request.metadata.addString(call.userAgent, forKey: InboundMetadata.userAgentKey)
            }
            if !call.address.isEmpty { request.metadata.addString(call.address, forKey: InboundMetadata.addressKey) }
            if let caller = call.caller {
                do {
                    request.metadata.addString(try keys.token(for: caller.identity, audience: audience), forKey: CallerToken.metadataKey)
                } catch {
                    throw RPCError(error)
                }
                if let key = caller.idempotencyKey { request.metadata.addString(key, forKey: InboundMetadata.idempotencyKeyKey) }
            }
        }
        return try await next(request, context)
    }
}
