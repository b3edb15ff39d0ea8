import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A small HTTP/1.1 server on a free port of 127.0.0.1, to be the target of tests and the `http` bench.
///
///     let server = try await LoopbackServer.start { request in .text("hello \(request.target)") }
///     defer { server.stop() }
package final class LoopbackServer: Sendable {
    package struct Request: Sendable {
        package let method: String
        /// Path and query as they came.
        package let target: String
        package let headers: [(name: String, value: String)]
        package let body: Data
        package let receivedAt: ContinuousClock.Instant

        package func header(_ name: String) -> String? {
            headers.first { $0.name.lowercased() == name.lowercased() }?.value
        }
    }

    /// `content-length` is added where it is missing.
    package struct Response: Sendable {
        package var status: Int
        package var headers: [(name: String, value: String)]
        package var body: Data

        package init(status: Int = 200, headers: [(name: String, value: String)] = [], body: Data = Data()) {
            self.status = status
            self.headers = headers
            self.body = body
        }

        package static func text(_ text: String, status: Int = 200) -> Response {
            Response(status: status, headers: [("content-type", "text/plain")], body: Data(text.utf8))
        }

        package static func json(_ json: String, status: Int = 200) -> Response {
            Response(status: status, headers: [("content-type", "application/json")], body: Data(json.utf8))
        }

        package static func redirect(to location: String, status: Int = 302) -> Response {
            Response(status: status, headers: [("location", location)])
        }
    }

    package typealias Handler = @Sendable (Request) async -> Response

    package let port: Int
    private let group: MultiThreadedEventLoopGroup
    private let record: Record

    private init(port: Int, group: MultiThreadedEventLoopGroup, record: Record) {
        self.port = port
        self.group = group
        self.record = record
    }

    /// - Parameters:
    ///   - delay: waited before every answer.
    ///   - recording: how many requests are kept; later ones are only counted.
    ///   - secure: gets every new connection first, to put TLS in front of it.
    package static func start(
        delay: Duration = .zero, recording: Int = 10_000, secure: (@Sendable (any Channel) throws -> Void)? = nil,
        handler: @escaping Handler
    ) async throws -> LoopbackServer {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let record = Record(limit: recording)
        let channel = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 4096)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try secure?(channel)
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline(withPipeliningAssistance: true, withErrorHandling: true)
                    try channel.pipeline.syncOperations.addHandler(LoopbackHandler(delay: delay, record: record, handler: handler))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return LoopbackServer(port: channel.localAddress?.port ?? 0, group: group, record: record)
    }

    /// Without a slash at its end.
    package var url: String { "http://127.0.0.1:\(port)" }

    /// In order of arrival, at most as many as are recorded.
    package var requests: [Request] { record.state.withLock { $0.requests } }

    /// Of all requests, recorded or not.
    package var count: Int { record.state.withLock { $0.count } }

    /// TCP connections accepted so far.
    package var connections: Int { record.state.withLock { $0.connections } }

    /// Closes the port and every connection; returns at once.
    package func stop() {
        group.shutdownGracefully { _ in }
    }

    fileprivate final class Record: Sendable {
        struct State {
            var requests: [Request] = []
            var count = 0
            var connections = 0
        }

        let limit: Int
        let state = Mutex(State())

        init(limit: Int) {
            self.limit = limit
        }
    }
}

/// One connection. `HTTPServerPipelineHandler` lets only one request in at a time, so answers cannot overtake each other.
private final class LoopbackHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let delay: Duration
    private let record: LoopbackServer.Record
    private let handler: LoopbackServer.Handler
    private var head: HTTPRequestHead?
    private var body = Data()

    init(delay: Duration, record: LoopbackServer.Record, handler: @escaping LoopbackServer.Handler) {
        self.delay = delay
        self.record = record
        self.handler = handler
    }

    func channelActive(context: ChannelHandlerContext) {
        record.state.withLock { $0.connections += 1 }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body = Data()
        case .body(let part):
            body.append(contentsOf: part.readableBytesView)
        case .end:
            guard let head else { return }
            let request = LoopbackServer.Request(
                method: head.method.rawValue, target: head.uri, headers: head.headers.map { ($0.name, $0.value) }, body: body,
                receivedAt: .now)
            self.head = nil
            answer(request, isKeepAlive: head.isKeepAlive, channel: context.channel)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func answer(_ request: LoopbackServer.Request, isKeepAlive: Bool, channel: any Channel) {
        record.state.withLock { state in
            state.count += 1
            if state.requests.count < record.limit { state.requests.append(request) }
        }
        Task { [handler, delay] in
            if delay > .zero { try? await Task.sleep(for: delay) }
            let response = await handler(request)
            channel.eventLoop.execute {
                LoopbackHandler.write(response, toHead: request.method == "HEAD", isKeepAlive: isKeepAlive, on: channel)
            }
        }
    }

    private static func write(_ response: LoopbackServer.Response, toHead: Bool, isKeepAlive: Bool, on channel: any Channel) {
        var headers = HTTPHeaders(response.headers.map { ($0.name, $0.value) })
        if !headers.contains(name: "content-length"), response.status != 204, response.status != 304 {
            headers.add(name: "content-length", value: "\(response.body.count)")
        }
        if !isKeepAlive { headers.replaceOrAdd(name: "connection", value: "close") }
        let head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: response.status), headers: headers)
        channel.write(HTTPServerResponsePart.head(head), promise: nil)
        if !toHead, !response.body.isEmpty {
            channel.write(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(bytes: response.body))), promise: nil)
        }
        let written = channel.writeAndFlush(HTTPServerResponsePart.end(nil))
        if !isKeepAlive { written.whenComplete { _ in channel.close(promise: nil) } }
    }
}
