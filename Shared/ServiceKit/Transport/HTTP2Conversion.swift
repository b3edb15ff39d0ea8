import FrameTransport
import GRPCCore
import GRPCNIOTransportHTTP2Posix

// The stock transport has a bytes type of its own; each message is copied once each way.

extension RPCStream where Inbound == HTTP2ClientTransport.Posix.Inbound, Outbound == HTTP2ClientTransport.Posix.Outbound {
    /// The same stream for clients that speak `FrameBytes`.
    var asFrames: RPCStream<ServiceTransport.Inbound, ServiceTransport.Outbound> {
        RPCStream<ServiceTransport.Inbound, ServiceTransport.Outbound>(
            descriptor: descriptor, inbound: RPCAsyncSequence(wrapping: HTTP2Responses(parts: inbound)),
            outbound: RPCWriter.Closable(wrapping: HTTP2Requests(writer: outbound)))
    }
}

private struct HTTP2Responses: AsyncSequence, Sendable {
    typealias Element = RPCResponsePart<FrameBytes>
    typealias Failure = any Error

    let parts: HTTP2ClientTransport.Posix.Inbound

    func makeAsyncIterator() -> Iterator { Iterator(parts: parts.makeAsyncIterator()) }

    struct Iterator: AsyncIteratorProtocol {
        var parts: HTTP2ClientTransport.Posix.Inbound.AsyncIterator

        mutating func next(isolation actor: isolated (any Actor)?) async throws -> Element? {
            switch try await parts.next(isolation: actor) {
            case .metadata(let metadata): .metadata(metadata)
            case .message(let bytes): .message(bytes.withUnsafeBytes { FrameBytes($0) })
            case .status(let status, let metadata): .status(status, metadata)
            case nil: nil
            }
        }

        mutating func next() async throws -> Element? { try await next(isolation: nil) }
    }
}

private struct HTTP2Requests: ClosableRPCWriterProtocol {
    typealias Element = RPCRequestPart<FrameBytes>

    let writer: HTTP2ClientTransport.Posix.Outbound

    func write(_ part: Element) async throws { try await writer.write(Self.converted(part)) }

    func write(contentsOf parts: some Sequence<Element>) async throws { try await writer.write(contentsOf: parts.map(Self.converted)) }

    func finish() async { await writer.finish() }

    func finish(throwing error: any Error) async { await writer.finish(throwing: error) }

    private static func converted(_ part: Element) -> RPCRequestPart<HTTP2ClientTransport.Posix.Bytes> {
        switch part {
        case .metadata(let metadata): .metadata(metadata)
        case .message(let bytes): .message(bytes.withUnsafeBytes { HTTP2ClientTransport.Posix.Bytes($0) })
        }
    }
}
