import GRPCCore

/// What GRPCCore writes a handler's response to.
struct ServerWriter: ClosableRPCWriterProtocol {
    let stream: FrameStream
    /// A single response brings its trailers along, so an empty head would only cost a frame. A stream's head tells the caller it was accepted.
    let sendsEmptyHead: Bool

    func write(_ part: RPCResponsePart<FrameBytes>) async throws {
        switch part {
        case .metadata(let metadata): if sendsEmptyHead || !metadata.isEmpty { try stream.sendHead(metadata) }
        case .message(let message): try await stream.send(message)
        case .status(let status, let metadata): stream.sendTrailers(status, metadata)
        }
    }

    func write(contentsOf parts: some Sequence<RPCResponsePart<FrameBytes>>) async throws {
        for part in parts { try await write(part) }
    }

    func finish() async { finish(RPCError(code: .internalError, message: "The handler ended the call without a status.")) }

    func finish(throwing error: any Error) async {
        finish(error as? RPCError ?? RPCError(code: .unknown, message: "The handler failed.", cause: error))
    }

    private func finish(_ error: RPCError) {
        stream.sendTrailers(Status(code: Status.Code(error.code), message: error.message), error.metadata)
    }
}

/// What GRPCCore reads a handler's request from.
struct ServerInbound: AsyncSequence, Sendable {
    let stream: FrameStream

    func makeAsyncIterator() -> Iterator { Iterator(stream: stream) }

    struct Iterator: AsyncIteratorProtocol {
        let stream: FrameStream

        mutating func next(isolation actor: isolated (any Actor)?) async throws(any Error) -> RPCRequestPart<FrameBytes>? {
            switch try await stream.next() {
            case .metadata(let metadata): .metadata(metadata)
            case .message(let message): .message(message)
            case .status, nil: nil
            }
        }

        mutating func next() async throws -> RPCRequestPart<FrameBytes>? { try await next(isolation: nil) }
    }
}
