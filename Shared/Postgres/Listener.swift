import CPostgres
import Foundation
import Logging
import Primitives
import ServiceLifecycle
import Synchronization

/// LISTEN on a connection of its own. A notification is only ever a hint that looking now is worth it: whoever uses it polls as well.
///
/// A connection that dies silently is found by a `select 1` every 10 seconds and replaced (R13, F31).
package final class Listener: Sendable, Service {
    /// Notifications that wait for a slow consumer; older ones are dropped, since a hint is as good as two.
    static let maxWaiting = 256
    private static let heartbeat = Duration.seconds(10)

    private struct Subscriptions {
        var streams: [String: [UUID: AsyncStream<String>.Continuation]] = [:]
        /// Channels not yet listened to on the present connection.
        var pending: Set<String> = []
        var isStopping = false
    }

    private let configuration: DatabaseConfiguration
    private let logger: Logger
    private let subscriptions = Mutex(Subscriptions())
    /// Wakes the thread out of `poll`: a byte for each new channel, and one to stop.
    private let wakeUp: (read: Int32, write: Int32)

    package init(_ configuration: DatabaseConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
        var ends: [Int32] = [-1, -1]
        pipe(&ends)
        for end in ends { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
        wakeUp = (ends[0], ends[1])
    }

    deinit {
        Foundation.close(wakeUp.read)
        Foundation.close(wakeUp.write)
    }

    /// The payloads that arrive on a channel from now on. Ends when the listener stops.
    package func notifications(on channel: String) -> AsyncStream<String> {
        let key = UUID()
        let (stream, continuation) = AsyncStream.makeStream(of: String.self, bufferingPolicy: .bufferingNewest(Self.maxWaiting))
        let isStopping = subscriptions.withLock { state in
            if state.isStopping { return true }
            if state.streams[channel] == nil { state.pending.insert(channel) }
            state.streams[channel, default: [:]][key] = continuation
            return false
        }
        if isStopping {
            continuation.finish()
        } else {
            continuation.onTermination = { [weak self] _ in
                self?.subscriptions.withLock { $0.streams[channel]?[key] = nil }
            }
            wake()
        }
        return stream
    }

    /// Listens until graceful shutdown.
    package func run() async throws {
        let thread = Thread { self.listen() }
        thread.stackSize = 512 * 1024
        thread.name = "listener"
        thread.start()
        try? await gracefulShutdown()
        stop()
    }

    /// Starts listening without a service group; `stop` ends it.
    package func start() {
        Thread.detachNewThread { self.listen() }
    }

    package func stop() {
        let streams = subscriptions.withLock { state in
            state.isStopping = true
            defer { state.streams = [:] }
            return state.streams.values.flatMap(\.values)
        }
        streams.forEach { $0.finish() }
        wake()
    }

    private func wake() {
        var byte: UInt8 = 1
        _ = write(wakeUp.write, &byte, 1)
    }

    // MARK: - The thread

    private func listen() {
        let backoff = Backoff(first: .milliseconds(100), limit: .seconds(5))
        var failures = 0
        while !subscriptions.withLock(\.isStopping) {
            do {
                let connection = try ListeningConnection(configuration)
                failures = 0
                subscriptions.withLock { $0.pending = Set($0.streams.keys) }
                try serve(connection)
            } catch {
                failures += 1
                if failures == 1 { logger.warning("the listener lost its connection", metadata: ["error": "\(error)"]) }
                var random = SystemRandomNumberGenerator()
                waitForWakeUp(backoff.delay(attempt: failures, using: &random))
            }
        }
    }

    private func serve(_ connection: ListeningConnection) throws {
        var beatAt = ContinuousClock.now + Self.heartbeat
        while true {
            let (channels, isStopping) = subscriptions.withLock { state in
                defer { state.pending = [] }
                return (state.pending, state.isStopping)
            }
            if isStopping { return }
            for channel in channels { try connection.listen(channel) }
            if ContinuousClock.now >= beatAt {
                try connection.beat()
                beatAt = .now + Self.heartbeat
            }
            // After `listen` and `beat`, whose answers notifications may have come along with: `wait` would not see those any more.
            for (channel, payload) in try connection.notifications() {
                let streams = subscriptions.withLock { $0.streams[channel].map { Array($0.values) } ?? [] }
                streams.forEach { $0.yield(payload) }
            }
            connection.wait(orFor: wakeUp.read, until: beatAt)
            drainWakeUps()
        }
    }

    private func waitForWakeUp(_ delay: Duration) {
        var descriptor = pollfd(fd: wakeUp.read, events: Int16(POLLIN), revents: 0)
        poll(&descriptor, 1, Int32(max(1, delay / .milliseconds(1))))
        drainWakeUps()
    }

    private func drainWakeUps() {
        var bytes = [UInt8](repeating: 0, count: 64)
        while read(wakeUp.read, &bytes, bytes.count) == bytes.count {}
    }
}

/// The listener's connection: outside pipeline mode, touched by its thread only.
private final class ListeningConnection {
    private let connection: OpaquePointer

    init(_ configuration: DatabaseConfiguration) throws {
        connection = try Connection.open(configuration)
    }

    deinit { PQfinish(connection) }

    func listen(_ channel: String) throws {
        try execute("listen \"\(channel.replacing("\"", with: "\"\""))\"")
    }

    func beat() throws { try execute("select 1") }

    func notifications() throws -> [(channel: String, payload: String)] {
        guard PQconsumeInput(connection) == 1 else { throw PostgresError(sqlState: "", message: String(cString: PQerrorMessage(connection))) }
        var found: [(String, String)] = []
        while let notification = PQnotifies(connection) {
            found.append((String(cString: notification.pointee.relname), String(cString: notification.pointee.extra)))
            PQfreemem(notification)
        }
        return found
    }

    func wait(orFor other: Int32, until deadline: ContinuousClock.Instant) {
        var descriptors = [
            pollfd(fd: PQsocket(connection), events: Int16(POLLIN), revents: 0), pollfd(fd: other, events: Int16(POLLIN), revents: 0),
        ]
        poll(&descriptors, 2, Int32(max(1, (deadline - .now) / .milliseconds(1))))
    }

    private func execute(_ text: String) throws {
        guard let result = PQexec(connection, text) else { throw PostgresError(sqlState: "", message: "out of memory") }
        defer { PQclear(result) }
        let status = PQresultStatus(result)
        guard status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK else { throw PostgresError(result) }
    }
}
