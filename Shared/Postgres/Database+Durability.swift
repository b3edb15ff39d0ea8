import Primitives

extension Database {
    /// A 2xx means committed to disk (R04): refuses a server that was told to lose what it acknowledged.
    /// - Throws: `database.not_durable` naming the setting.
    package func verifyDurability() async throws {
        let off = try await rows(
            .system,
            """
            select name from pg_settings
            where name in ('fsync', 'full_page_writes', 'synchronous_commit') and setting = 'off'
            order by name
            """
        ) { try $0.value("name", as: String.self) }
        guard off.isEmpty else {
            throw Fault(
                .precondition, "database.not_durable", "PostgreSQL runs with \(off.joined(separator: ", ")) off, so acknowledged data can be lost.")
        }
    }

    /// Whether the server answers; for readiness.
    package func ping() async throws {
        _ = try await execute(.system, "select 1")
    }
}
