import GRPCCore
import NIOCore
import SwiftProtobuf
import Synchronization
import TransportAPI

/// What each frame means. Runs on the event loop; a thrown violation closes the connection.
extension FrameConnection {
    func receive(_ frame: Frame) throws(FrameViolation) {
        guard isReady || frame.type == .preface || frame.type == .goAway else {
            throw FrameViolation("A \(frame.type) frame comes before the preface.")
        }
        switch frame.type {
        case .preface: try receivePreface(frame.payload)
        case .requestHead: try receiveRequestHead(frame)
        case .message: try receiveMessage(frame)
        case .responseHead: try receiveResponseHead(frame)
        case .trailers: try receiveTrailers(frame)
        case .cancel: try receiveCancel(frame)
        case .windowUpdate:
            guard let increment = frame.payload.getInteger(at: frame.payload.readerIndex, as: UInt32.self) else { return }
            try stream(frame)?.receive(windowIncrement: increment)
        case .ping: send(.pong, payload: frame.payload)
        case .pong: break  // `lastRead` has noticed it, as it notices any byte.
        case .goAway: receiveGoAway(frame.payload)
        }
    }

    private func receivePreface(_ payload: ByteBuffer) throws(FrameViolation) {
        var payload = payload
        let magic = payload.readSlice(length: Frame.magic.utf8CodeUnitCount)
        guard magic?.readableBytesView.elementsEqual(Frame.magic.withUTF8Buffer(Array.init)) == true else {
            throw FrameViolation("The preface does not start with \(Frame.magic).")
        }
        let settings: PBSettings = try decode(payload)
        guard settings.version == Frame.version else { throw FrameViolation("Version \(settings.version) of the protocol is not spoken here.") }
        guard settings.maxMessageBytes > 0, settings.initialWindowBytes > 0, settings.maxMetadataBytes > 0, settings.maxStreams > 0 || isServer,
            settings.initialWindowBytes <= Int32.max
        else { throw FrameViolation("A limit in the preface is impossible.") }
        peerLimits.withLock { limits in
            limits.window = Int(settings.initialWindowBytes)
            limits.messageBytes = min(Int(settings.maxMessageBytes), configuration.maximumMessageBytes)
            limits.metadataBytes = min(Int(settings.maxMetadataBytes), configuration.maximumMetadataBytes)
            limits.streams = min(Int(settings.maxStreams), configuration.maximumStreams)
        }
        if let context { peer = FramePeer(pipeline: context.pipeline.syncOperations) }
        // Nothing but our preface was sent so far: no request reaches a server that is another one.
        if let expectedPeer, peer?.subjectAlternativeNames.contains(expectedPeer) != true {
            throw FrameViolation("The server's certificate is not that of \(expectedPeer).")
        }
        isReady = true
        switch side {
        case .client(let pool, let attempt): pool.ready(self, attempt: attempt)
        case .server(let listener):
            sendPreface()
            listener.ready(self)
        }
    }

    private func receiveRequestHead(_ frame: Frame) throws(FrameViolation) {
        guard isServer else { throw FrameViolation("A server sent a request head.") }
        guard frame.stream > lastStream else { throw FrameViolation("Stream \(frame.stream) was opened after stream \(lastStream).") }
        lastStream = frame.stream
        guard streams.count < configuration.maximumStreams else {
            throw FrameViolation("More than \(configuration.maximumStreams) streams are open.")
        }
        let head: PBRequestHead = try decode(frame.payload)
        guard !head.method.isEmpty else { throw FrameViolation("A request head names no method.") }
        var metadata = try Metadata(head.metadata)
        if head.timeoutMs > 0 { metadata.putTimeout(head.timeoutMs) }
        let limits = peerLimits.withLock { FrameStream.Limits(send: $0.messageBytes, receive: configuration.maximumMessageBytes) }
        let stream = FrameStream(on: self, limits: limits, id: frame.stream, head: metadata, method: head.method)
        // Cancelled streams no longer count, but their handlers may take a while to notice: opening and cancelling in a loop must not pile them up.
        guard handlers.load(ordering: .relaxed) < configuration.maximumStreams * 2 else {
            stream.sendTrailers(Status(code: .resourceExhausted, message: "Too many cancelled calls are still being wound up."), [:])
            return
        }
        streams[frame.stream] = stream
        if head.timeoutMs > 0 {
            let deadline = NIODeadline.now() + .milliseconds(Int64(min(head.timeoutMs, FrameStream.longestTimeout)))
            stream.state.withLock { $0.deadline = deadline }
            expect(deadline)
        }
        if frame.flags.contains(.endStream) { try stream.receive(message: nil, ends: true) }
        starting.append(stream)
    }

    private func receiveMessage(_ frame: Frame) throws(FrameViolation) {
        let ends = frame.flags.contains(.endStream)
        guard isServer || !ends else { throw FrameViolation("A server ended a stream with a message.") }
        try stream(frame)?.receive(message: frame.flags.contains(.noMessage) ? nil : frame.payload, ends: ends)
    }

    private func receiveResponseHead(_ frame: Frame) throws(FrameViolation) {
        guard !isServer else { throw FrameViolation("A client sent a response head.") }
        let head: PBResponseHead = try decode(frame.payload)
        let metadata = try Metadata(head.metadata)
        try stream(frame)?.receive(head: metadata)
    }

    private func receiveTrailers(_ frame: Frame) throws(FrameViolation) {
        guard !isServer else { throw FrameViolation("A client sent trailers.") }
        guard frame.payload.readableBytes > 0 else {
            try end(frame, Status(code: .ok, message: ""), [:])
            return
        }
        let trailers: PBTrailers = try decode(frame.payload)
        let code = Status.Code(rawValue: Int(trailers.code)) ?? .unknown
        try end(frame, Status(code: code, message: trailers.message), Metadata(trailers.metadata))
    }

    private func end(_ frame: Frame, _ status: Status, _ metadata: Metadata) throws(FrameViolation) {
        try stream(frame)?.receive(status: status, metadata: metadata)
        streams[frame.stream] = nil
    }

    private func receiveCancel(_ frame: Frame) throws(FrameViolation) {
        guard isServer else { throw FrameViolation("A server cancelled a stream.") }
        try stream(frame)?.fail(RPCError(code: .cancelled, message: "The caller cancelled the call."))
        streams[frame.stream] = nil
    }

    private func receiveGoAway(_ payload: ByteBuffer) {
        if let goAway: PBGoAway = try? decode(payload), !goAway.reason.isEmpty {
            configuration.report("\(remoteAddress) closes the connection: \(goAway.reason)")
            note(FrameViolation(goAway.reason))
        }
        if case .client(let pool, _) = side { pool.drain(self) }
    }

    /// The stream a frame is about, nil if it is over. A frame may cross the one that ended its stream, so that is no violation.
    private func stream(_ frame: Frame) throws(FrameViolation) -> FrameStream? {
        if let stream = streams[frame.stream] { return stream }
        let highest = isServer ? lastStream : outbound.withLock { $0.lastOpened }
        guard frame.stream <= highest else { throw FrameViolation("A \(frame.type) frame is on stream \(frame.stream), which was never opened.") }
        return nil
    }

    private func decode<Message: SwiftProtobuf.Message>(_ payload: ByteBuffer) throws(FrameViolation) -> Message {
        do {
            return try Message(serializedBytes: FrameBytes(payload))
        } catch {
            throw FrameViolation("A \(Message.protoMessageName) cannot be decoded.")
        }
    }
}
