import GRPCCore
import Synchronization

/// Messages are plain bytes, so that these tests need no contract.
struct BytesCoder: MessageSerializer, MessageDeserializer {
    func serialize<Bytes: GRPCContiguousBytes>(_ message: [UInt8]) throws -> Bytes { Bytes(message) }
    func deserialize<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) throws -> [UInt8] { bytes.withUnsafeBytes { Array($0) } }
}

/// A service made of closures. What its handlers saw is kept in `Probe`.
struct BytesService: RegistrableRPCService {
    typealias Handler = @Sendable (StreamingServerRequest<[UInt8]>, ServerContext) async throws -> StreamingServerResponse<[UInt8]>

    let probe: Probe

    static func method(_ name: String, _ type: MethodDescriptor.RPCType) -> MethodDescriptor {
        MethodDescriptor(fullyQualifiedService: "assay.test.Bytes", method: name, type: type)
    }

    static let echo = method("Echo", .unary)
    static let describe = method("Describe", .unary)
    static let refuse = method("Refuse", .unary)
    static let hang = method("Hang", .unary)
    static let gate = method("Gate", .unary)
    static let collect = method("Collect", .clientStreaming)
    static let swallowSlowly = method("SwallowSlowly", .clientStreaming)
    static let count = method("Count", .serverStreaming)
    static let chat = method("Chat", .bidirectionalStreaming)

    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        func add(_ method: MethodDescriptor, _ handler: @escaping Handler) {
            router.registerHandler(forMethod: method, deserializer: BytesCoder(), serializer: BytesCoder(), handler: handler)
        }
        add(Self.echo) { request, _ in
            let message = try await request.single
            return StreamingServerResponse { writer in
                try await writer.write(message)
                return [:]
            }
        }
        add(Self.describe) { [probe] request, context in
            _ = try await request.single
            probe.record(request.metadata, context)
            return StreamingServerResponse(metadata: ["initial": "1", "initial-bin": [1, 2, 0]]) { writer in
                try await writer.write([])
                return ["final": "a", "final": "b"]
            }
        }
        add(Self.refuse) { request, _ in
            let size = try await request.single.first.map(Int.init) ?? 0
            throw RPCError(
                code: .failedPrecondition, message: "not now",
                metadata: ["grpc-status-details-bin": .binary([UInt8](repeating: 7, count: size * 1_024 + 3))])
        }
        add(Self.hang) { [probe] request, context in
            probe.entered()
            defer { probe.left(cancelled: Task.isCancelled && context.cancellation.isCancelled) }
            try await Task.sleep(for: .seconds(3_600))
            return StreamingServerResponse { _ in [:] }
        }
        add(Self.gate) { [probe] request, _ in
            let message = try await request.single
            probe.entered()
            await probe.gate.wait()
            probe.left(cancelled: false)
            return StreamingServerResponse { writer in
                try await writer.write(message)
                return [:]
            }
        }
        add(Self.collect) { request, _ in
            var all: [UInt8] = []
            for try await message in request.messages { all += message }
            return StreamingServerResponse { [all] writer in
                try await writer.write(all)
                return [:]
            }
        }
        add(Self.swallowSlowly) { [probe] request, _ in
            var bytes = 0
            probe.entered()
            await probe.gate.wait()
            for try await message in request.messages { bytes += message.count }
            return StreamingServerResponse { [bytes] writer in
                try await writer.write(Array("\(bytes)".utf8))
                return [:]
            }
        }
        add(Self.count) { [probe] request, _ in
            let parameters = try await request.single
            let (count, size) = (Int(parameters[0]) * 256 + Int(parameters[1]), Int(parameters[2]) * 1_024)
            return StreamingServerResponse { writer in
                for index in 0..<count {
                    try await writer.write([UInt8(truncatingIfNeeded: index)] + [UInt8](repeating: 0, count: size))
                    probe.wrote()
                }
                return ["count": "\(count)"]
            }
        }
        add(Self.chat) { request, _ in
            StreamingServerResponse { writer in
                for try await message in request.messages { try await writer.write(message.reversed()) }
                return [:]
            }
        }
    }
}

extension StreamingServerRequest<[UInt8]> {
    /// The only message of a request that is not a stream.
    fileprivate var single: [UInt8] {
        get async throws {
            var only: [UInt8]?
            for try await message in messages { only = message }
            guard let only else { throw RPCError(code: .invalidArgument, message: "There is no message.") }
            return only
        }
    }
}

/// What the handlers of one test saw.
final class Probe: Sendable {
    struct Seen: Sendable {
        var metadata: Metadata = [:]
        var context: ServerContext?
        /// A connection each.
        var peers: Set<String> = []
        var inside = 0
        var mostInside = 0
        var left = 0
        var cancelled = 0
        var written = 0
    }

    let gate = Gate()
    private let seen = Mutex(Seen())

    var now: Seen { seen.withLock { $0 } }

    func record(_ metadata: Metadata, _ context: ServerContext) {
        seen.withLock { seen in
            seen.metadata = metadata
            seen.context = context
            seen.peers.insert(context.remotePeer)
        }
    }

    func entered() {
        seen.withLock { seen in
            seen.inside += 1
            seen.mostInside = max(seen.mostInside, seen.inside)
        }
    }

    func left(cancelled: Bool) {
        seen.withLock { seen in
            seen.inside -= 1
            seen.left += 1
            if cancelled { seen.cancelled += 1 }
        }
    }

    func wrote() { seen.withLock { $0.written += 1 } }
}

/// Holds tasks back until it is opened.
final class Gate: Sendable {
    private let state = Mutex<(isOpen: Bool, waiting: [CheckedContinuation<Void, Never>])>((false, []))

    func wait() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}
