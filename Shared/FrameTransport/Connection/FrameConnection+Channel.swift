import GRPCCore
import NIOCore
import SwiftProtobuf
import Synchronization
import TransportAPI

extension FrameConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { start(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        start(context)
        context.fireChannelActive()
    }

    private func start(_ context: ChannelHandlerContext) {
        wasActive = true
        remoteAddress = context.remoteAddress.map(Self.describe) ?? remoteAddress
        localAddress = context.localAddress.map(Self.describe) ?? localAddress
        startTimers()
        // A server says nothing to strangers: its preface answers the client's.
        if !isServer { sendPreface() }
    }

    /// GRPCCore's notation.
    private static func describe(_ address: SocketAddress) -> String {
        switch address {
        case .v4(let v4): "ipv4:\(v4.host):\(address.port ?? 0)"
        case .v6(let v6): "ipv6:[\(v6.host)]:\(address.port ?? 0)"
        case .unixDomainSocket: "unix:\(address.pathname ?? "")"
        }
    }

    func sendPreface() {
        var settings = PBSettings()
        settings.version = Frame.version
        settings.maxStreams = UInt32(configuration.maximumStreams)
        settings.maxMessageBytes = UInt32(configuration.maximumMessageBytes)
        settings.initialWindowBytes = UInt32(configuration.streamWindowBytes)
        settings.maxMetadataBytes = UInt32(configuration.maximumMetadataBytes)
        let encoded: [UInt8] = (try? settings.serializedBytes()) ?? []
        send(.preface, encoded: Frame.magic.withUTF8Buffer(Array.init) + encoded)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        beginTurn()
        lastRead = .now()
        reader.append(unwrapInboundIn(data))
        do {
            while self.context != nil, let frame = try reader.next() { try receive(frame) }
        } catch {
            violated(error)
        }
        if unread.load(ordering: .relaxed) > configuration.maximumUnreadBytes { pauseReading(context) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        endTurn()
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { flush() }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        note(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        closed()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { closed() }

    // MARK: Closing

    /// The peer broke a rule: it is told why and loses the connection.
    func violated(_ violation: FrameViolation) {
        flush()
        guard let context else { return }
        configuration.report("Connection with \(remoteAddress) closed: \(violation.reason)")
        note(violation)
        var goAway = PBGoAway()
        goAway.reason = violation.reason
        let encoded: [UInt8] = (try? goAway.serializedBytes()) ?? []
        var frame = ByteBufferAllocator().buffer(capacity: Frame.headBytes + encoded.count)
        frame.writeFrameHead(.goAway, [], stream: 0, payloadBytes: encoded.count)
        frame.writeBytes(encoded)
        context.writeAndFlush(NIOAny(frame), promise: nil)
        close()
    }

    /// Closes at once; calls that are under way fail with `unavailable`.
    func close() {
        guard let context else { return }
        let channel = context.channel
        closed()
        channel.close(promise: nil)
    }

    /// A client that needs the connection no longer: what is queued leaves first.
    func shutDown() {
        beginTurn()
        endTurn()
        close()
    }

    /// Says that no new streams are wanted (server) or will come (client).
    func goAway() {
        guard !isDraining else { return }
        isDraining = true
        send(.goAway)
    }

    /// Everything that hangs on the connection ends here, once, whoever closed it.
    private func closed() {
        guard context != nil else { return }
        context = nil
        stopTimers()
        // Whoever fails here shows no certificate, or one that is expired or signed by somebody else.
        if isServer, wasActive, !isReady, let lastError, !(lastError is FrameViolation) {
            configuration.report("A connection from \(remoteAddress) was refused: \(lastError)")
        }
        let cause = lastError.map { ": \($0)" } ?? ""
        let error = RPCError(code: .unavailable, message: "The connection with \(remoteAddress) was lost\(cause).")
        let (waiters, opened) = outbound.withLock { outbound in
            let opened = outbound.opened
            outbound.fail(error)
            return (outbound.waiters.wake(), opened)
        }
        waiters.resume()
        let open = streams
        streams = [:]
        for stream in open.values { stream.fail(error) }
        for (_, stream) in opened { stream.fail(error) }
        starting = []
        switch side {
        case .client(let pool, let attempt): pool.closed(self, attempt: attempt, error: error)
        case .server(let listener): listener.closed(self)
        }
        // A channel closed while it is read has no end of that read; what was woken above must run all the same.
        eventLoop.execute { self.takeTurn() }
    }

    // MARK: Memory

    /// The streams' windows bound what one stream may pile up; this bounds their sum.
    private func pauseReading(_ context: ChannelHandlerContext) {
        guard !isReadingPaused else { return }
        isReadingPaused = true
        try? context.channel.syncOptions?.setOption(.autoRead, value: false)
    }

    func resumeReading() {
        guard let context, isReadingPaused else { return }
        isReadingPaused = false
        lastRead = .now()
        try? context.channel.syncOptions?.setOption(.autoRead, value: true)
        context.channel.read()
    }
}
