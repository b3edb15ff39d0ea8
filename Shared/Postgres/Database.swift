import Foundation
import Logging
import Primitives
import ServiceLifecycle
import Synchronization

/// A service's own PostgreSQL: a pool of connections, each owned by a thread, behind `async` calls.
///
/// Threads and connections are made when they are needed and stay. Calls wait in one queue, first come first served; a queue of
/// `maxWaiting` calls answers further ones with `database.busy` at once.
package final class Database: Sendable, Service {
    static let maxWaiting = 4096

    let configuration: DatabaseConfiguration
    private let logger: Logger
    private let queue = WorkQueue<Work>(limit: maxWaiting)
    private let threads = Mutex(0)

    package init(_ configuration: DatabaseConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
    }

    /// Stays until graceful shutdown; as the first service of a group it leaves last. Calls that are waiting then are still served.
    package func run() async throws {
        try? await gracefulShutdown()
        close()
    }

    package func close() { queue.close() }

    /// Another pool on the same database, for work that must neither wait behind this one's calls nor keep them waiting (R21).
    /// - Parameter statementTimeout: milliseconds.
    package func bulkhead(poolSize: Int, statementTimeout: Int) -> Database {
        var configuration = configuration
        configuration.poolSize = poolSize
        configuration.statementTimeout = statementTimeout
        return Database(configuration, logger: logger)
    }

    /// The service's schema. Services may share a database, so what is named for a whole database (channels, locks) carries this.
    package var schemaName: String { configuration.searchPath }

    // MARK: - One statement, one round trip

    /// - Throws: `PostgresError`; `Fault` `database.busy`; `CancellationError` when the task is cancelled, after the statement was.
    package func rows<R>(_ scope: Scope, _ sql: SQL, _ map: (Row) throws -> R) async throws -> [R] {
        try await call(scope, sql).map(map)
    }

    package func first<R>(_ scope: Scope, _ sql: SQL, _ map: (Row) throws -> R) async throws -> R? {
        try await call(scope, sql).first(map)
    }

    /// - Throws: `DecodingFault` too when there is no row.
    package func one<R>(_ scope: Scope, _ sql: SQL, _ map: (Row) throws -> R) async throws -> R {
        try await call(scope, sql).one(map)
    }

    /// - Returns: rows affected.
    @discardableResult
    package func execute(_ scope: Scope, _ sql: SQL) async throws -> Int {
        try await call(scope, sql).affected
    }

    /// For what PostgreSQL does not do inside a transaction, such as `create database`; without values, without a scope.
    package func executeOutsideTransaction(_ sql: SQL) async throws {
        precondition(sql.values.isEmpty, "a script binds no values")
        try await submit { try $0.script(sql.text) }
    }

    /// As `rows`, with another statement before it in the same round trip and transaction: settings for this one statement.
    package func rows<R>(_ scope: Scope, after first: SQL, _ sql: SQL, _ map: (Row) throws -> R) async throws -> [R] {
        try await call(scope, first, sql).map(map)
    }

    /// - Returns: what the last one answers.
    private func call(_ scope: Scope, _ statements: SQL...) async throws -> ResultSet {
        try await submit { try $0.answer(scope, statements) }
    }

    /// The first row of a read of little cost, such as one by primary key. What is asked at the same time shares a round trip and a transaction;
    /// so `sql` must change nothing, because it may be carried out twice, and must be quick, because others wait for it.
    package func lookUp<R>(_ scope: Scope, _ sql: SQL, _ map: (Row) throws -> R) async throws -> R? {
        let lookUp = LookUp(scope, sql)
        return try await lookUp.value { try self.push(.lookUp(lookUp)) }.first(map)
    }

    // MARK: - Several statements

    /// Runs `body` in a transaction that commits when it returns and rolls back when it throws. A deadlock or serialization failure runs `body`
    /// again, up to three times (T106), so it must have no other effect than through the transaction.
    package func transaction<R>(_ scope: Scope, _ body: (Transaction) async throws -> R) async throws -> R {
        var attempt = 1
        while true {
            do {
                return try await once(scope, body)
            } catch let error as PostgresError where error.isRetryable && attempt < 3 {
                try await Task.sleep(for: .milliseconds(Int.random(in: 5...50) * attempt))
                attempt += 1
            }
        }
    }

    private func once<R>(_ scope: Scope, _ body: (Transaction) async throws -> R) async throws -> R {
        let lease = try await lease()
        let transaction = Transaction(lease: lease, scope: scope)
        do {
            let result = try await body(transaction)
            try await transaction.commit()
            lease.end()
            return result
        } catch {
            // The rollback must happen whether or not this task still may do anything.
            lease.endRollingBack(transaction.hasBegun)
            throw error
        }
    }

    // MARK: - Threads

    /// What a thread does with its connection: one call, a look-up and those that wait with it, or everything that a transaction asks for until
    /// it ends.
    enum Work: Sendable {
        case call(Call)
        case lookUp(LookUp)
        case lease(Call, Lease)

        var isLookUp: Bool { if case .lookUp = self { true } else { false } }
    }

    func submit<R: Sendable>(_ body: @escaping @Sendable (Connection) throws -> R) async throws -> R {
        let call = Call()
        return try await call.value {
            try self.push(.call(call))
        } running: {
            try body($0)
        }
    }

    private func lease() async throws -> Lease {
        let call = Call()
        let lease = Lease()
        return try await call.value {
            try self.push(.lease(call, lease))
        } running: { _ in
            lease.markTaken()
            return lease
        }
    }

    private func push(_ work: Work) throws(Fault) {
        switch queue.push(work) {
        case .accepted(let unattended): if unattended { startThread() }
        case .full: throw .unavailable("database.busy", "The database is busy; try again shortly.")
        case .closed: throw .unavailable("database.closed", "The service is stopping.")
        }
    }

    private func startThread() {
        let isNeeded = threads.withLock { count in
            guard count < configuration.poolSize else { return false }
            count += 1
            return true
        }
        guard isNeeded else { return }
        let thread = Thread { [queue, configuration, logger] in
            ConnectionThread(configuration, logger: logger).serve(queue)
        }
        thread.stackSize = 512 * 1024
        thread.name = "postgres"
        thread.start()
    }
}

extension ResultSet {
    func map<R>(_ transform: (Row) throws -> R) throws -> [R] {
        try (0..<count).map { try transform(Row(result: self, index: $0)) }
    }

    func first<R>(_ transform: (Row) throws -> R) throws -> R? {
        count == 0 ? nil : try transform(Row(result: self, index: 0))
    }

    func one<R>(_ transform: (Row) throws -> R) throws -> R {
        guard count > 0 else { throw DecodingFault(description: "a row was expected and there is none") }
        return try transform(Row(result: self, index: 0))
    }
}
