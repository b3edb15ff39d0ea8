import GRPCCore

/// What GRPCCore writes a call's request to.
struct ClientWriter: ClosableRPCWriterProtocol {
    let stream: FrameStream
    let method: MethodDescriptor

    func write(_ part: RPCRequestPart<FrameBytes>) async throws {
        switch part {
        case .metadata(let metadata): try stream.open(method, metadata: metadata)
        // A request that is not a stream says with its message that it has ended, which saves a frame.
        case .message(let message): try await stream.send(message, ends: method.type?.isRequestStreaming == false)
        }
    }

    func write(contentsOf parts: some Sequence<RPCRequestPart<FrameBytes>>) async throws {
        for part in parts { try await write(part) }
    }

    func finish() async { stream.endRequest() }

    func finish(throwing error: any Error) async {
        stream.cancel(error as? RPCError ?? RPCError(code: .unknown, message: "The request could not be written.", cause: error))
    }
}

/// What GRPCCore reads a call's response from.
struct ClientInbound: AsyncSequence, Sendable {
    let stream: FrameStream

    func makeAsyncIterator() -> Iterator { Iterator(stream: stream) }

    struct Iterator: AsyncIteratorProtocol {
        let stream: FrameStream

        mutating func next(isolation actor: isolated (any Actor)?) async throws(any Error) -> RPCResponsePart<FrameBytes>? {
            switch try await stream.next() {
            case .metadata(let metadata): .metadata(metadata)
            case .message(let message): .message(message)
            case .status(let status, let metadata): .status(status, metadata)
            case nil: nil
            }
        }

        mutating func next() async throws -> RPCResponsePart<FrameBytes>? { try await next(isolation: nil) }
    }
}
