import Contract
import GRPCCore
import GRPCProtobuf
import HTTPTypes
import Hummingbird
import NIOCore
import Primitives
import ServiceKit
import ServiceLifecycle
import SwiftProtobuf

/// A server-streaming method as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).
///
/// `id:` is the message's field `id`, `event:` its field `type` in lower case, `data:` the message in one line of JSON. A comment every 15
/// seconds keeps proxies from closing the connection; after an hour the stream ends and the browser comes back with `Last-Event-ID`.
struct EventStream<Request: SwiftProtobuf.Message, Answer: SwiftProtobuf.Message>: Sendable {
    static var maxAge: Duration { .seconds(3_600) }
    /// Of what `Last-Event-ID` names.
    static var maxIDLength: Int { 18 }

    private let call: RouteCall<Request, Answer>
    private let streams: EventStreams
    private let authenticator: Authenticator

    init(_ call: RouteCall<Request, Answer>, streams: EventStreams, authenticator: Authenticator) {
        self.call = call
        self.streams = streams
        self.authenticator = authenticator
    }

    /// Answers when the first event, the first heartbeat or an error has come: what is refused gets its proper status.
    func respond(_ exchange: Exchange) async throws -> Response {
        if let id = exchange.head.lastEventID, id.utf8.count > Self.maxIDLength {
            throw Fault.parameterInvalid("Last-Event-ID", "the id of an event, of at most \(Self.maxIDLength) digits")
        }
        let last = exchange.head.lastEventID.flatMap { id in call.route.fields.contains { $0.name == "last_event_id" } ? ("last_event_id", id) : nil }
        let place = try exchange.principal.map { try streams.enter($0.keyBucket) }
        let prepared = try await call.prepare(exchange, extras: last.map { [$0] } ?? [])
        let caller = try exchange.principal.map { _ in try exchange.caller() }
        let backlog = EventBacklog()
        exchange.closed.whenComplete { _ in backlog.finish() }
        let listening = Task {
            do {
                try await exchange.calling(as: caller, limit: Self.maxAge) {
                    // A process that stops waits for its connections: streams would keep it for an hour.
                    try await cancelWhenGracefulShutdown { try await listen(prepared.message, backlog, exchange) }
                }
                backlog.finish()
            } catch {
                backlog.finish(throwing: error)
            }
        }
        let beating = Task {
            while !Task.isCancelled {
                try await Task.sleep(for: streams.heartbeat)
                // Whoever was revoked meanwhile hears nothing more (T47).
                guard await authenticator.isStillGood(exchange) else { return backlog.finish() }
                // Whoever has so much to read needs no sign of life.
                _ = backlog.offer(Self.beat)
            }
        }
        backlog.onEnd {
            listening.cancel()
            beating.cancel()
        }
        var iterator = backlog.events.makeAsyncIterator()
        let first = try await iterator.next()
        var headers: HTTPFields = [.contentType: "text/event-stream", .cacheControl: "no-store"]
        prepared.deprecation?.write(to: &headers, of: call.route)
        return Response(
            status: .ok, headers: headers,
            body: ResponseBody { writer in
                // Held for as long as there is a body to write.
                defer { withExtendedLifetime(place) {} }
                // Those that lose the same gateway must not come back in step.
                try await writer.write(ByteBuffer(string: "retry: \(Int.random(in: 1_000...10_000))\n\n"))
                if let first {
                    try await writer.write(first)
                    backlog.wrote(first)
                    do {
                        for try await event in backlog.events {
                            try await writer.write(event)
                            backlog.wrote(event)
                        }
                    } catch is RPCError {
                        // The headers are out: an error can only end the stream, and the client comes back and is told then.
                    }
                }
                try await writer.finish(nil)
            })
    }

    private func listen(_ message: Request, _ backlog: EventBacklog, _ exchange: Exchange) async throws {
        try await call.client.serverStreaming(
            request: ClientRequest(message: message), descriptor: call.route.rule.method, serializer: ProtobufSerializer<Request>(),
            deserializer: ProtobufDeserializer<Answer>(), options: .defaults
        ) { response in
            for try await message in response.messages {
                guard backlog.offer(try Self.text(message)) else {
                    // What waits would keep the connection for as long as nobody reads it.
                    exchange.connection.close(promise: nil)
                    return
                }
            }
        }
    }

    private static var beat: ByteBuffer { ByteBuffer(string: ":\n\n") }

    private static func text(_ message: Answer) throws -> ByteBuffer {
        let json = try AnswerJSON.bytes(message, lists: [])
        let head = EventHead(json)
        var buffer = ByteBuffer()
        if let id = head.id { buffer.writeString("id: \(id)\n") }
        if let type = head.type { buffer.writeString("event: \(type.lowercased())\n") }
        buffer.writeString("data: ")
        buffer.writeBytes(json)
        buffer.writeString("\n\n")
        return buffer
    }
}

/// `id` and `type` of an event, read from its JSON: both are among the first members of every event message.
struct EventHead: Equatable {
    private(set) var id: String?
    private(set) var type: String?

    init(_ json: [UInt8]) {
        guard let members = try? JSONLint.check(json) else { return }
        for member in members {
            let text = String(decoding: json[member.value], as: UTF8.self)
            let value = text.hasPrefix("\"") ? String(text.dropFirst().dropLast()) : text
            if member.name == "id" { id = value }
            if member.name == "type" { type = value }
        }
    }
}
