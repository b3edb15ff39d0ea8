import Foundation
import Postgres
import Primitives

// Changes of how long single tests take.

extension LevelChangeStore {
    /// Keeps what was found in the executions of a test, and writes down what is not found any more in them. Where the same was found in the same there is
    /// nothing but one read. Of two looks at once the one that looked earlier may come here last: it changes nothing.
    ///
    /// The revision of the project stays: whatever changes here comes of other executions, with which it was raised, and an answer is made of what is kept
    /// by then.
    /// - Returns: of each that was found, in its place, the kept one that it is; `nil` of one that is not kept.
    @discardableResult
    func keep(_ look: TestLook, of project: ID<Project>, tenant: ID<Tenant>) async throws -> [LevelChange?] {
        guard let first = look.timed.executions.first?.executedAt else { return [] }
        let reading: SQL = """
            select \(fragment: Self.columns) from trend_changes c \(fragment: Self.said)
            where c.tenant_id = \(tenant) and c.test_project_id = \(project) and c.value = \(look.part.value) and c.branch = \(look.branch)
              and c.executed_at >= \(first)
            """
        let known = try await database.rows(.tenant(tenant), reading) { try LevelChange(row: $0) }
        let upkeep = LevelUpkeep(look, known: known, of: project)
        guard !upkeep.isEmpty else { return upkeep.kept }
        return try await database.transaction(.tenant(tenant)) { tx in
            try await tx.execute(Self.locking(project))
            let known = try await tx.rows(reading) { try LevelChange(row: $0) }
            // What was joined to another test meanwhile keeps nothing of its own: its changes went with it.
            let isThere = try await tx.first("select true as there from tests where tenant_id = \(tenant) and id = \(look.test)") {
                try $0.value("there", as: Bool.self)
            }
            guard isThere == true, known.allSatisfy({ !$0.isOfLater(than: look.at) }) else { return look.matching(known).kept }
            let upkeep = LevelUpkeep(look, known: known, of: project)
            guard !upkeep.isEmpty else { return upkeep.kept }
            try await tx.pipeline([
                Self.writing((upkeep.added + upkeep.renewed).map { (change: $0, input: look.input) }, project: project, tenant: tenant),
                Self.leaving(upkeep.gone, at: look.at, tenant: tenant),
            ])
            return upkeep.kept
        }
    }

    /// Two tests have become one: what is kept of the other's durations, and what people said of it, is the lasting one's, as its executions are. The next
    /// look finds it in those of both, or no more. Holds the lock that a look takes until the transaction ends, which has to be soon.
    static func join(_ alias: ID<Test>, to test: ID<Test>, project: ID<Project>, tenant: ID<Tenant>, in tx: Transaction) async throws {
        try await tx.pipeline([
            locking(project),
            """
            update trend_changes set value = \(test.description)
            where tenant_id = \(tenant) and test_project_id = \(project) and value = \(alias.description)
            """,
        ])
    }
}
