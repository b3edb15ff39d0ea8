import FrameTransport
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import NIOPosix
import Synchronization

/// How this process reaches one other service: every replica of it, over whichever transport the process was started with.
///
/// One type for both, so that `GRPCClient<ServiceTransport>` is all a service ever sees. Calls go round the replicas; one that cannot be
/// reached is skipped, which is safe because nothing was sent. Bytes are those of the frame transport, which passes them through untouched;
/// only the HTTP/2 side converts.
package final class ServiceTransport: ClientTransport {
    package typealias Bytes = FrameBytes

    private enum Replicas {
        case frame([FrameClientTransport])
        case http2([HTTP2ClientTransport.Posix])
    }

    private let replicas: Replicas
    private let turn = Atomic<UInt64>(0)

    /// - Parameter service: the one that must answer there; its certificate is held against that.
    package init(
        _ transport: RPCTransport, to endpoints: [Endpoint], security: PeerSecurity, service: String? = nil,
        eventLoopGroup: MultiThreadedEventLoopGroup = .singletonMultiThreadedEventLoopGroup
    ) throws {
        precondition(!endpoints.isEmpty)
        switch transport {
        case .frame:
            replicas = .frame(endpoints.map { security.frameClient(to: $0, service: service, eventLoopGroup: eventLoopGroup) })
        case .http2:
            replicas = .http2(try endpoints.map { try security.http2Client(to: $0, eventLoopGroup: eventLoopGroup) })
        }
    }

    package func connect() async throws {
        switch replicas {
        case .frame(let transports): try await Self.connect(transports)
        case .http2(let transports): try await Self.connect(transports)
        }
    }

    package func beginGracefulShutdown() {
        switch replicas {
        case .frame(let transports): for transport in transports { transport.beginGracefulShutdown() }
        case .http2(let transports): for transport in transports { transport.beginGracefulShutdown() }
        }
    }

    private static func connect(_ transports: [some ClientTransport]) async throws {
        if transports.count == 1 { return try await transports[0].connect() }
        try await withThrowingDiscardingTaskGroup { group in
            for transport in transports { group.addTask { try await transport.connect() } }
        }
    }

    package func withStream<T: Sendable>(
        descriptor: MethodDescriptor, options: CallOptions,
        _ closure: (RPCStream<Inbound, Outbound>, ClientContext) async throws -> T
    ) async throws -> T {
        switch replicas {
        case .frame(let transports):
            if transports.count == 1 { return try await transports[0].withStream(descriptor: descriptor, options: options, closure) }
            // The pool of each has its own patience.
            return try await withReplica(of: transports, patience: .zero) { transport, isUsed in
                try await transport.withStream(descriptor: descriptor, options: options) { stream, context in
                    isUsed = true
                    return try await closure(stream, context)
                }
            }
        case .http2(let transports):
            return try await withReplica(of: transports, patience: Self.patience) { transport, isUsed in
                try await transport.withStream(descriptor: descriptor, options: options) { stream, context in
                    isUsed = true
                    return try await closure(stream.asFrames, context)
                }
            }
        }
    }

    /// How long a call waits for a service that is just being restarted: the stock client fails calls at once while it backs off, for up to a
    /// second after the service is there again. The frame transport's `failFastAfter`.
    private static let patience = Duration.seconds(2)

    /// - Parameter call: sets its flag once a stream is open; from then on another replica must not see the call.
    private func withReplica<Replica: ClientTransport, T>(
        of transports: [Replica], patience: Duration, _ call: (Replica, inout Bool) async throws -> T
    ) async throws -> T {
        let first = Int(turn.wrappingAdd(1, ordering: .relaxed).oldValue % UInt64(transports.count))
        var skipped = 0
        var giveUp: ContinuousClock.Instant?
        while true {
            var isUsed = false
            do {
                return try await call(transports[(first + skipped) % transports.count], &isUsed)
            } catch let error as RPCError where error.code == .unavailable && !isUsed {
                skipped += 1
                guard skipped % transports.count == 0 else { continue }
                let until = giveUp ?? .now + patience
                giveUp = until
                guard .now < until else { throw error }
                try await Task.sleep(for: .milliseconds(50))
            }
        }
    }

    /// Retries are `ClientRetry`'s.
    package var retryThrottle: RetryThrottle? { nil }

    package func config(forMethod descriptor: MethodDescriptor) -> MethodConfig? {
        guard case .http2 = replicas else { return nil }
        // The frame transport reads `grpc-timeout` and keeps the time itself; here gRPC has to. Asked once for each call, in the caller's
        // task. An error (too little left) comes from the interceptor.
        let limit = Result { try PropagateDeadline.limit(of: descriptor, bound: CallContext.current?.deadline, now: .now) }
        let timeout: Duration? = if case .success(let limit) = limit { limit } else { ServerDeadline.minimum }
        return MethodConfig(names: [], timeout: timeout)
    }
}
