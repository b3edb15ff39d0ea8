import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import ServiceKit
import ServiceLifecycle

/// The public HTTP/1.1 server, in the clear or over TLS. Hummingbird's server without its router and application: every request goes through `Front`.
struct HTTPServer: Service {
    let endpoint: Endpoint
    let idleTimeout: Duration
    var limits = EdgeLimits()
    /// `nil` for HTTP in the clear.
    var tls: EdgeTLS?
    let front: Front
    let logger: Logger
    /// Told the port once bound, for those who asked for any free one.
    var onBound: @Sendable (Int) async -> Void = { _ in }

    func run() async throws {
        let configuration = HTTP1Channel.Configuration(
            idleTimeout: .nanoseconds(idleTimeout.components.seconds * 1_000_000_000),
            // The decoder takes the target for a field as well and cannot tell which of them was too long: `RequestGuard` can.
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: limits.headerList, maxHeaderListSize: limits.headerList, maxHeaderFieldCount: limits.headerCount))
        // One line for each connection that breaks is not worth a log.
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .notice)
        let group = MultiThreadedEventLoopGroup.singleton
        let channel = HTTP1Channel(
            responder: { [front] request, writer, channel in try await front.handle(request, writer, channel) }, configuration: configuration)
        let server = Server(
            childChannelSetup: GuardedChannel(channel, limits: limits, tls: tls, quick: QuickRefusal(front), on: group),
            configuration: ServerConfiguration(address: .hostname(endpoint.host, port: endpoint.port), backlog: 1024),
            onServerRunning: { [onBound] channel in await onBound(channel.localAddress?.port ?? 0) }, eventLoopGroup: group, logger: quiet)
        // Ends with this function.
        async let _ = tls?.contexts.run()
        try await server.run()
    }
}
