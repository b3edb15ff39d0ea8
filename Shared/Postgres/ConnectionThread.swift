import Foundation
import Logging
import Primitives

/// A thread and the connection that it owns: opened when there is work, replaced when it breaks.
final class ConnectionThread {
    /// After a failed attempt to connect, work is refused for this long instead of waiting for another attempt each.
    private static let backoff = Backoff(first: .milliseconds(50), limit: .seconds(2))

    /// Look-ups in one round trip: the last of them waits for all others.
    static let maxShared = 8

    private let configuration: DatabaseConfiguration
    private let logger: Logger
    private var connection: Connection?
    private var lastUsed = ContinuousClock.now
    private var failures = 0
    private var retryAt = ContinuousClock.now
    private var lastError = PostgresError(sqlState: "", message: "")

    init(_ configuration: DatabaseConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
    }

    /// Until the queue is closed.
    func serve(_ queue: WorkQueue<Database.Work>) {
        while let taken = queue.pop(upTo: Self.maxShared, while: \.isLookUp) {
            switch taken[0] {
            case .call(let call):
                guard let connection = open(orFail: call.fail) else { continue }
                finish(connection, cancelled: call.run(on: connection))
            case .lookUp:
                share(taken.compactMap { work in if case .lookUp(let lookUp) = work { lookUp } else { nil } })
            case .lease(let call, let lease):
                guard let connection = open(orFail: call.fail) else { continue }
                // A task that was cancelled while it waited gets no lease, so nobody would end it.
                let cancelled = call.run(on: connection)
                if lease.isTaken { lease.serve(connection) }
                finish(connection, cancelled: cancelled)
            }
        }
    }

    /// One round trip for all of them. When it fails, each gets one of its own, so that nobody is told of another's error: they only read.
    private func share(_ lookUps: [LookUp]) {
        let wanted = lookUps.filter(\.isWanted)
        guard !wanted.isEmpty, let connection = open(orFail: { error in for lookUp in wanted { lookUp.finish(.failure(error)) } }) else { return }
        if wanted.count > 1, let found = try? connection.roundTrip(wanted.map { ($0.scope, $0.statement) }) {
            for (lookUp, result) in zip(wanted, found) { lookUp.finish(.success(result)) }
        } else {
            for lookUp in wanted { lookUp.finish(Result { try connection.answer(lookUp.scope, [lookUp.statement]) }) }
        }
        finish(connection, cancelled: false)
    }

    private func open(orFail fail: (any Error) -> Void) -> Connection? {
        if let connection {
            let isFresh = ContinuousClock.now - lastUsed < .seconds(1)
            if isFresh || !connection.noticeHangUp() { return connection }
            self.connection = nil
        }
        guard failures == 0 || ContinuousClock.now >= retryAt else {
            fail(lastError)
            return nil
        }
        do {
            let opened = try Connection(configuration)
            connection = opened
            failures = 0
            return opened
        } catch {
            failures += 1
            var random = SystemRandomNumberGenerator()
            retryAt = .now + Self.backoff.delay(attempt: failures, using: &random)
            lastError = error as? PostgresError ?? PostgresError(sqlState: "", message: "\(error)")
            if failures == 1 { logger.warning("no connection to the database", metadata: ["error": "\(lastError.message)"]) }
            fail(lastError)
            return nil
        }
    }

    private func finish(_ connection: Connection, cancelled: Bool) {
        lastUsed = .now
        do {
            // The server may act on a cancellation only after the statement it was meant for: let it hit this one.
            if cancelled { _ = try? connection.roundTrip(["select pg_sleep(0)"]) }
            if connection.hasTooManyPrepared { try connection.forgetPrepared() }
            if connection.isBroken { self.connection = nil }
        } catch {
            self.connection = nil
        }
    }
}
