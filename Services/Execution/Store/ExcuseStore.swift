import Foundation
import Postgres
import Primitives

/// All SQL about what builds were told of whether failures stop them.
struct ExcuseStore: Sendable {
    let database: Database

    private static let columns: SQL = "id, project_id, run_id, edition, failing, passed_again, quarantined, excused, input_hash, decided_at"

    /// An answer of the same run that is the same in everything is the first one.
    /// - Returns: `nil` when the run has as many as are kept.
    func insert(_ excuse: Excuse, of run: Run, tenant: ID<Tenant>) async throws -> ID<KeptExcuse>? {
        let bytes = try ExcuseBasis(excuse).encoded()
        let hash = ExcuseBasis.hash(of: bytes)
        let counts = excuse.counts
        return try await database.transaction(.tenant(tenant)) { tx in
            let made = try await tx.first(
                """
                insert into excuses (
                    tenant_id, id, project_id, run_id, edition, failing, passed_again, quarantined, excused, input_hash, basis, decided_at)
                select \(tenant), \(ID<KeptExcuse>.new()), \(run.project), \(run.id), \(excuse.edition), \(counts.failing), \(counts.passedAgain),
                    \(counts.quarantined), \(counts.isExcused), \(hash), \(bytes), \(excuse.moment)
                where (
                    select count(*) from (
                        select from excuses where tenant_id = \(tenant) and run_id = \(run.id) limit \(KeptExcuse.most)
                    ) as kept
                ) < \(KeptExcuse.most)
                on conflict on constraint excuses_run_id_input_hash_unique do nothing
                returning id
                """
            ) { try $0.value("id", as: ID<KeptExcuse>.self) }
            if let made { return made }
            return try await tx.first(
                "select id from excuses where tenant_id = \(tenant) and run_id = \(run.id) and input_hash = \(hash)"
            ) { try $0.value("id", as: ID<KeptExcuse>.self) }
        }
    }

    /// Of a run, newest first, without what they were made from.
    func list(_ page: PageRequest, of run: ID<Run>, tenant: ID<Tenant>) async throws -> Page<KeptExcuse> {
        let before = try page.after(ID<KeptExcuse>.self)
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select \(fragment: Self.columns) from excuses
            where tenant_id = \(tenant) and run_id = \(run) and (\(before)::uuid is null or id < \(before))
            order by id desc
            limit \(page.limit + 1)
            """
        ) { try KeptExcuse(row: $0) }
        return Page(rows: rows, limit: page.limit) { $0.id.description }
    }

    /// - Throws: `excuse.not_found`.
    func get(_ id: ID<KeptExcuse>, tenant: ID<Tenant>) async throws -> KeptExcuse {
        let found = try await database.first(
            .tenant(tenant), "select \(fragment: Self.columns), basis from excuses where tenant_id = \(tenant) and id = \(id)"
        ) { row in
            var kept = try KeptExcuse(row: row)
            kept.bytes = try row.value("basis")
            return kept
        }
        guard let found else { throw Fault.notFound("excuse", id) }
        return found
    }
}

extension KeptExcuse {
    fileprivate init(row: Row) throws {
        id = try row.value("id")
        project = try row.value("project_id")
        run = try row.value("run_id")
        edition = try row.value("edition")
        counts = Counts(
            failing: try row.value("failing"), passedAgain: try row.value("passed_again"), quarantined: try row.value("quarantined"),
            isExcused: try row.value("excused"))
        inputHash = try row.value("input_hash")
        decidedAt = try row.value("decided_at")
    }
}
