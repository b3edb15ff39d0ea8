import Primitives
import Synchronization

/// Statements that become true together. `begin` and the scope travel with the first statement; each further one is a round trip of its own.
package final class Transaction: Sendable {
    private let lease: Lease
    private let scope: Scope
    private let begun = Atomic(false)

    init(lease: Lease, scope: Scope) {
        self.lease = lease
        self.scope = scope
    }

    /// Whose transaction it is; `nil` when it sees every organization's rows.
    package var tenant: ID<Tenant>? {
        if case .tenant(let tenant) = scope { tenant } else { nil }
    }

    var hasBegun: Bool { begun.load(ordering: .relaxed) }

    package func rows<R>(_ sql: SQL, _ map: (Row) throws -> R) async throws -> [R] {
        try await send([sql])[0].map(map)
    }

    package func first<R>(_ sql: SQL, _ map: (Row) throws -> R) async throws -> R? {
        try await send([sql])[0].first(map)
    }

    /// - Throws: `DecodingFault` too when there is no row.
    package func one<R>(_ sql: SQL, _ map: (Row) throws -> R) async throws -> R {
        try await send([sql])[0].one(map)
    }

    /// - Returns: rows affected.
    @discardableResult
    package func execute(_ sql: SQL) async throws -> Int {
        try await send([sql])[0].affected
    }

    /// Several statements in one round trip; one that fails keeps those behind it from running.
    /// - Returns: rows affected by each.
    @discardableResult
    package func pipeline(_ statements: [SQL]) async throws -> [Int] {
        try await send(statements).map(\.affected)
    }

    func commit() async throws {
        guard hasBegun else { return }
        _ = try await lease.run { try $0.roundTrip([], commit: true) }
    }

    private func send(_ statements: [SQL]) async throws -> [ResultSet] {
        guard !statements.isEmpty else { return [] }
        let isFirst = begun.exchange(true, ordering: .relaxed) == false
        let scope = scope
        return try await lease.run { connection in
            isFirst ? try connection.roundTrip(scope: scope, begin: true, statements) : try connection.roundTrip(statements)
        }
    }
}
