import Foundation
import Jobs
import Postgres
import Primitives
import TestSupport

@testable import ValidationService

/// Failures that one signature holds although they are not the same trouble, and what people make of them.
extension GroupFixture {
    /// What tells two of them apart has been masked: they are one signature.
    static func ended(_ worker: Int, code: Int, shard: Int = 1) -> String { "worker \(worker) ended with exit code \(code) in shard \(shard)" }

    var cutting: CuttingStore { CuttingStore(database: database, jobs: JobQueue(database: database)) }

    func cut(
        _ text: String, of signature: SignatureID, at time: Date = Self.hour(1), key: String? = nil
    ) async throws -> ListedDecision {
        // Any signature leads to the group that it is in.
        try await decisions.cut(ID(uuid: signature.uuid), by: text, in: ID(uuid: signature.uuid), by: author(key), at: time, scope)
    }

    /// All jobs that were left, to their ends.
    func carryOut(pageSize: Int = 500, pages: Int = 40) async throws {
        let worker = CutSignature(cutting: cutting, pageSize: pageSize, pages: pages)
        for id in try await unfinished() {
            // Those that go on in another job do so here.
            while try await unfinished().contains(id) {
                try await worker.handle(.init(project: project, cut: id, after: nil), Job(tenant: tenant, kind: CutSignature.Payload.kind))
            }
        }
    }

    private func unfinished() async throws -> [ID<GroupingDecision>] {
        try await database.rows(
            .tenant(tenant), "select cut_id from signature_cut_progress where tenant_id = \(tenant) and finished_at is null order by cut_id"
        ) { try $0.value("cut_id", as: ID<GroupingDecision>.self) }
    }

    /// What is counted, row by row: two that heard of the same have the same.
    func counted() async throws -> [String] {
        let tables: [SQL] = [
            """
            select jsonb_build_array(signature_id, group_id, origin, text, bucket_id, is_mined, failures, is_recurring, first_at, first_result, first_run,
                last_at, last_result, last_run, category, severity, sample)::text as line
            from failure_signatures
            """,
            """
            select jsonb_build_array(group_id, state, template, error_type, location, category, failures, tests, signatures, first_result,
                last_result, is_recurring)::text as line
            from failure_groups
            """,
            "select jsonb_build_array(signature_id, test_id, failures, first_at, last_at)::text as line from signature_tests",
            "select jsonb_build_array(signature_id, hour, failures, tests)::text as line from signature_hours",
            "select jsonb_build_array(signature_id, branch, failures, last_at)::text as line from signature_branches",
            "select jsonb_build_array(result_id, signature_id, signed_as)::text as line from failures",
        ]
        var lines: [String] = []
        for table in tables {
            let found = try await database.rows(.tenant(tenant), "\(fragment: table) where tenant_id = \(tenant)") {
                try $0.value("line", as: String.self)
            }
            lines += found
        }
        return lines.sorted()
    }

    /// What is counted of signatures and what the failures themselves come to.
    /// - Returns: rows of one that the other does not have.
    func miscounted() async throws -> [String] {
        let raw: SQL = """
            from failures f join validations v on v.tenant_id = f.tenant_id and v.run_id = f.run_id where f.tenant_id = \(tenant) and f.trusted
            """
        let pairs: [(kept: SQL, counted: SQL)] = [
            (
                """
                select signature_id::text as a, '' as b, failures, first_at, last_at, is_recurring from failure_signatures where tenant_id = \(tenant)
                """,
                """
                select f.signature_id::text, '', count(*), min(v.started_at), max(v.started_at), count(distinct f.run_id) > 1
                \(fragment: raw) group by f.signature_id
                """
            ),
            (
                "select signature_id::text as a, test_id::text as b, failures, first_at, last_at, true from signature_tests where tenant_id = \(tenant)",
                """
                select f.signature_id::text, f.test_id::text, count(*), min(v.started_at), max(v.started_at), true
                \(fragment: raw) group by f.signature_id, f.test_id
                """
            ),
            (
                "select signature_id::text as a, hour::text as b, failures, hour, hour, true from signature_hours where tenant_id = \(tenant)",
                """
                select f.signature_id::text, date_trunc('hour', v.started_at, 'UTC')::text, count(*), date_trunc('hour', v.started_at, 'UTC'),
                    date_trunc('hour', v.started_at, 'UTC'), true
                \(fragment: raw) group by f.signature_id, date_trunc('hour', v.started_at, 'UTC')
                """
            ),
            (
                "select signature_id::text as a, branch as b, failures, last_at, last_at, true from signature_branches where tenant_id = \(tenant)",
                """
                select f.signature_id::text, v.branch, count(*), max(v.started_at), max(v.started_at), true
                \(fragment: raw) group by f.signature_id, v.branch
                """
            ),
        ]
        var wrong: [String] = []
        for (kept, counted) in pairs {
            wrong += try await database.rows(
                .tenant(tenant),
                """
                with kept as (\(fragment: kept)), counted as (\(fragment: counted))
                select 'kept ' || a || ' ' || b || ' ' || failures as line from (select * from kept except select * from counted) k
                union all
                select 'counted ' || a || ' ' || b || ' ' || failures
                from (select * from counted except select * from kept) c (a, b, failures, first_at, last_at, is_recurring)
                """
            ) { try $0.value("line", as: String.self) }
        }
        return wrong
    }
}
