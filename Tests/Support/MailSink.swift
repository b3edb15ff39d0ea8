import NIOCore
import NIOPosix
import Synchronization

/// A mail relay on a free port of 127.0.0.1 that keeps what it is given (RFC 5321, as much of it as a client needs).
package final class MailSink: Sendable {
    package struct Mail: Sendable {
        package let from: String
        package let to: [String]
        /// As it came, without the dots that SMTP adds.
        package let data: String
    }

    package let port: Int
    private let group: MultiThreadedEventLoopGroup
    private let store: Store

    fileprivate final class Store: Sendable {
        let mails = Mutex<[Mail]>([])
        let commands = Mutex<[String]>([])
    }

    private init(port: Int, group: MultiThreadedEventLoopGroup, store: Store) {
        self.port = port
        self.group = group
        self.store = store
    }

    /// - Parameters:
    ///   - offers: lines of the answer to EHLO, such as `AUTH PLAIN`.
    ///   - secure: puts TLS in front, for a relay that speaks it from the first byte.
    package static func start(offers: [String] = [], secure: @escaping @Sendable (any Channel) throws -> Void = { _ in }) async throws -> MailSink {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let store = Store()
        let channel = try await ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try secure(channel)
                    try channel.pipeline.syncOperations.addHandler(MailSinkHandler(store, offers: offers))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return MailSink(port: channel.localAddress?.port ?? 0, group: group, store: store)
    }

    package var mails: [Mail] { store.mails.withLock { $0 } }

    /// Every line that was said to it, bodies left out.
    package var commands: [String] { store.commands.withLock { $0 } }

    /// Closes the port and every connection; returns at once.
    package func stop() { group.shutdownGracefully { _ in } }

    /// One connection. Recipients at `later.test` are put off (451), those at `never.test` refused (550).
    private final class MailSinkHandler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let store: Store
        private let offers: [String]
        private var received = ByteBuffer()
        private var from = ""
        private var to: [String] = []
        private var body: String?
        private var isLoggingIn = false

        init(_ store: Store, offers: [String]) {
            self.store = store
            self.offers = offers
        }

        func channelActive(context: ChannelHandlerContext) { say("220 sink.test ready", context) }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var piece = unwrapInboundIn(data)
            received.writeBuffer(&piece)
            while let end = received.readableBytesView.firstIndex(of: UInt8(ascii: "\n")) {
                var line = received.readString(length: end - received.readerIndex + 1) ?? ""
                line.removeLast()
                if line.hasSuffix("\r") { line.removeLast() }
                take(line, context)
            }
        }

        private func take(_ line: String, _ context: ChannelHandlerContext) {
            if let body {
                guard line == "." else {
                    self.body = body + (line.hasPrefix(".") ? String(line.dropFirst()) : line) + "\n"
                    return
                }
                store.mails.withLock { $0.append(Mail(from: from, to: to, data: body)) }
                self.body = nil
                return say("250 taken", context)
            }
            store.commands.withLock { $0.append(line) }
            if isLoggingIn {
                isLoggingIn = false
                return say("235 welcome", context)
            }
            let verb = line.prefix { $0 != " " && $0 != ":" }.uppercased()
            let address = line.split(separator: "<").last.map { String($0.prefix { $0 != ">" }) } ?? ""
            switch verb {
            case "EHLO":
                let lines = ["sink.test"] + offers
                for (index, offer) in lines.enumerated() { say((index == lines.count - 1 ? "250 " : "250-") + offer, context) }
            case "AUTH":
                // What follows is who they are, in base64.
                isLoggingIn = true
                say("334 ", context)
            case "MAIL":
                (from, to) = (address, [])
                say("250 go on", context)
            case "RCPT" where address.hasSuffix("@later.test"): say("451 not now", context)
            case "RCPT" where address.hasSuffix("@never.test"): say("550 nobody of that name", context)
            case "RCPT":
                to.append(address)
                say("250 go on", context)
            case "DATA":
                body = ""
                say("354 go on", context)
            case "QUIT":
                say("221 bye", context)
                context.close(promise: nil)
            default: say("502 what?", context)
            }
        }

        private func say(_ line: String, _ context: ChannelHandlerContext) {
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: line + "\r\n")), promise: nil)
        }
    }
}
