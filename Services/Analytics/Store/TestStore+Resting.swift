import Foundation
import Postgres
import Primitives

extension TestStore {
    /// Days without an execution after which a test rests: it was deleted, or renamed without anybody saying so.
    static let restsAfter = 60

    /// Lets tests rest that have not run for long, and wakes those that a release before this one took results of since. Ingest wakes a test by
    /// itself.
    ///
    /// No index has `last_seen_at`: every delivery would have to write there. So all tests are looked through along their primary key, in pages.
    func rest(at now: Date = Date(), atOnce most: Int = 5_000) async throws {
        let since = now - Double(Self.restsAfter) * 86_400
        var behind: SQL = "true"
        while true {
            try Task.checkCancellation()
            let page = try await database.rows(
                .system,
                """
                select tenant_id, project_id, id, resting <> (last_seen_at < \(since)) as turns from tests
                where \(fragment: behind)
                order by tenant_id, id
                limit \(most)
                """
            ) { row in
                (
                    owner: Owner(tenant: try row.value("tenant_id"), project: try row.value("project_id")),
                    test: try row.value("id", as: ID<Test>.self), turns: try row.value("turns", as: Bool.self)
                )
            }
            for (owner, turned) in Dictionary(grouping: page.filter { $0.turns }, by: { $0.owner }) {
                try await turn(turned.map { $0.test }, of: owner, since: since)
            }
            guard page.count == most, let last = page.last else { return }
            behind = "(tenant_id, id) > (\(last.owner.tenant), \(last.test))"
        }
    }

    private struct Owner: Hashable {
        let tenant: ID<Tenant>
        let project: ID<Project>
    }

    private func turn(_ tests: [ID<Test>], of owner: Owner, since: Date) async throws {
        _ = try await database.transaction(.tenant(owner.tenant)) { tx in
            try await tx.pipeline([
                "select pg_advisory_xact_lock(\(fragment: AliasStore.lock(owner.project)))",
                """
                update tests set resting = last_seen_at < \(since)
                where tenant_id = \(owner.tenant) and id = any(\(tests.map(\.uuid))) and resting <> (last_seen_at < \(since))
                """,
                RevisionStore.raising(owner.project, tenant: owner.tenant),
            ])
        }
    }
}
