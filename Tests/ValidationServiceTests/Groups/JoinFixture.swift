import Foundation
import Jobs
import Postgres
import Primitives
import TestSupport

@testable import ValidationService

/// Tests that are renamed.
extension GroupFixture {
    var joining: JoiningStore { JoiningStore(database: database, jobs: JobQueue(database: database)) }

    /// As Execution tells it.
    func rename(_ alias: Int, to test: Int?) async throws {
        try await joining.set(Self.test(alias), to: test.map { Self.test($0) }, scope)
    }

    /// Failures of one run, each of the test of its number. All of a run have one name and the same owners.
    func failing(
        _ failures: [(message: String, test: Int)], at hour: Double, lane: Lane = .trusted, name: String = "a test", owners: [String] = []
    ) -> FailureBatch {
        let batch = batch(failures.map(\.message), at: hour, lane: lane)
        return batch.with(
            zip(batch.failures, failures).map { filed, failure -> FiledFailure in
                let result = FailedResult(
                    result: filed.result.result, test: Self.test(failure.test), className: "Orders", name: name, outcome: .failed,
                    symptoms: filed.result.symptoms, owners: owners)
                return FiledFailure(result: result, judgement: filed.judgement, signature: filed.signature)
            })
    }

    /// The next job that was left; it is gone from the queue.
    func takeJoin() async throws -> JoinTests.Payload? {
        let text = try await database.first(
            .tenant(tenant),
            """
            delete from jobs where tenant_id = \(tenant) and id = (
                select id from jobs where tenant_id = \(tenant) and kind = \(JoinTests.Payload.kind) order by id limit 1)
            returning payload::text as payload
            """
        ) { try $0.value("payload", as: String.self) }
        return try text.map { try JSONDecoder().decode(JoinTests.Payload.self, from: Data($0.utf8)) }
    }

    func carryOut(_ payload: JoinTests.Payload, pageSize: Int = 2000, pages: Int = 200) async throws {
        try await JoinTests(joining: joining, pageSize: pageSize, pages: pages)
            .handle(payload, Job(tenant: tenant, kind: JoinTests.Payload.kind))
    }

    /// All jobs that were left, to their ends.
    func join(pageSize: Int = 2000, pages: Int = 200) async throws {
        while let payload = try await takeJoin() { try await carryOut(payload, pageSize: pageSize, pages: pages) }
    }

    /// What is counted of tests, row by row. Which tests failed in an hour is told approximately, so that is left out.
    func tested() async throws -> [String] {
        try await renew()
        let tables: [SQL] = [
            """
            select jsonb_build_array(signature_id, test_id, class_name, test_name, failures, first_at, last_at, owners, owners_at)::text as line
            from signature_tests
            """,
            "select jsonb_build_array(group_id, state, failures, tests, proposed_owners, first_result, last_result)::text as line from failure_groups",
            "select jsonb_build_array(result_id, signature_id, test_id)::text as line from failures",
        ]
        var lines: [String] = []
        for table in tables {
            lines += try await database.rows(.tenant(tenant), "\(fragment: table) where tenant_id = \(tenant)") {
                try $0.value("line", as: String.self)
            }
        }
        return lines.sorted()
    }

    /// Counts of tests that are not what the failures come to that name them. What is counted beside for a cut has no failures.
    func disagreeing() async throws -> Int {
        try await database.one(
            .tenant(tenant),
            """
            with kept as (
                select signature_id, test_id, failures from signature_tests
                where tenant_id = \(tenant) and failures > 0
                  and signature_id in (select signature_id from failures where tenant_id = \(tenant) and trusted)
            ),
            counted as (
                select signature_id, test_id, count(*) as failures from failures where tenant_id = \(tenant) and trusted group by signature_id, test_id
            )
            select count(*) as n from (
                (select * from kept except select * from counted) union all (select * from counted except select * from kept)
            ) d
            """
        ) { try $0.value("n", as: Int.self) }
    }
}
