import Foundation
import Postgres
import Synchronization

extension Readiness.Check {
    /// PostgreSQL answers, and its clock and ours agree within 30 s: leases and tokens depend on it (R24).
    static func database(_ database: Database) -> Self {
        Self("database") {
            let now = try? await database.first(.system, "select clock_timestamp() as now") { try $0.value("now", as: Date.self) }
            guard let now else { return "does not answer" }
            return abs(now.timeIntervalSinceNow) < CallerToken.skew ? nil : "its clock and ours differ by more than 30 s"
        }
    }

    /// Everything this release needs has been migrated. A newer schema is fine: it has to work with the previous release. Never undone, so it is
    /// asked until it holds and not again.
    static func migrations(_ schemas: [Schema], in database: Database) -> Self {
        let needed = Set(schemas.flatMap { schema in schema.files.map { "\(schema.name)/\($0.name)" } })
        let check = MigrationCheck(needed: needed, database: database)
        return Self("schema") { await check.problem() }
    }
}

/// Remembers that the schema was found complete.
private final class MigrationCheck: Sendable {
    private let needed: Set<String>
    private let database: Database
    private let holds = Atomic(false)

    init(needed: Set<String>, database: Database) {
        self.needed = needed
        self.database = database
    }

    func problem() async -> String? {
        if holds.load(ordering: .relaxed) { return nil }
        let applied = try? await database.rows(.system, "select owner || '/' || file as name from schema_migrations") {
            try $0.value("name", as: String.self)
        }
        guard let applied else { return "cannot be read; run migrate" }
        guard needed.isSubset(of: applied) else { return "is behind this release; run migrate" }
        holds.store(true, ordering: .relaxed)
        return nil
    }
}
