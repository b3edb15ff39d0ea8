import Foundation
import Postgres

/// Holds what is stored against what clients were told (I1, I2, I4, I7 of the requirements), and what is counted against counting anew.
struct UploadCheck: Sendable {
    let database: Database
    let receipts: [UploadLoad.Receipt]

    /// - Parameter limit: how long facts may take to arrive at those who hear of them.
    func problems(awaiting limit: Duration) async throws -> [String] {
        let deadline = ContinuousClock.now + limit
        while try await !laggards().isEmpty, ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(200)) }
        // All of it has just been stored: without statistics, statements that read everything are planned as for a few rows.
        try await database.executeOutsideTransaction("analyze")
        let counters = CounterCheck(database: database)
        let wrong = try await database.transaction(.system) { try await stored(in: $0) + counters.problems(in: $0) }
        return try await wrong + laggards()
    }

    /// Damages what is stored, one thing at a time, and undoes it.
    /// - Returns: what `stored` did not see.
    func blindSpots() async throws -> [String] {
        let damages: [(String, SQL)] = [
            ("a result is missing", "delete from execution.results where id = (select id from execution.results limit 1)"),
            (
                "a result is there twice",
                """
                insert into execution.results (tenant_id, id, run_id, test_id, outcome, class_name, name)
                select tenant_id, gen_random_uuid(), run_id, test_id, outcome, class_name, name from execution.results limit 1
                """
            ),
            ("a counter is one too high", "update execution.runs set passed = passed + 1 where id = (select id from execution.runs limit 1)"),
            (
                "a failure has lost its text",
                "delete from execution.result_details where result_id = (select result_id from execution.result_details limit 1)"
            ),
            ("a report is not kept", "delete from execution.raw_reports where upload_id = (select upload_id from execution.raw_reports limit 1)"),
            ("an upload has no record", "delete from execution.uploads where id = (select id from execution.uploads limit 1)"),
        ]
        var unseen: [String] = []
        for (name, damage) in damages {
            do {
                try await database.transaction(.system) { tx in
                    _ = try await tx.execute(damage)
                    if try await stored(in: tx).isEmpty { unseen.append("the check does not see that \(name)") }
                    throw Undo()
                }
            } catch is Undo {}
        }
        return try await unseen + CounterCheck(database: database).blindSpots()
    }

    private struct Undo: Error {}

    // MARK: - What Execution has

    private func stored(in tx: Transaction) async throws -> [String] {
        var problems: [String] = []
        let found = try await tx.rows(
            """
            select class_name, count(*) as results, count(distinct name) as names, count(*) filter (where outcome = 2) as failed,
                count(distinct run_id) as runs
            from execution.results where class_name not like \(UploadLoad.Order.recurringPrefix + "%") group by class_name
            """
        ) { row in
            (
                name: try row.value("class_name", as: String.self), results: try row.value("results", as: Int.self),
                names: try row.value("names", as: Int.self), failed: try row.value("failed", as: Int.self), runs: try row.value("runs", as: Int.self)
            )
        }
        let byName = Dictionary(found.map { ($0.name, $0) }) { first, _ in first }
        for receipt in receipts {
            let order = receipt.order
            guard let stored = byName[order.className] else {
                problems.append("upload \(order.number) was acknowledged and is not there")
                continue
            }
            if stored.results != order.cases || stored.names != order.cases || stored.failed != order.failed || stored.runs != 1 {
                problems.append("upload \(order.number) has \(order.cases) cases, \(order.failed) failed; stored are \(stored)")
            }
        }
        problems += Set(byName.keys).subtracting(receipts.map(\.order.className)).map { "\($0) is there, and nobody was told so" }
        let rules: [(String, SQL)] = [
            (
                "runs whose counters are not those of their results",
                """
                select count(*) as n from execution.runs r left join (
                    select run_id, count(*) filter (where outcome = 1) as passed, count(*) filter (where outcome = 2) as failed,
                        count(*) filter (where outcome = 3) as errored, count(*) filter (where outcome = 4) as skipped
                    from execution.results group by run_id
                ) c on c.run_id = r.id
                where (r.passed, r.failed, r.errored, r.skipped)
                    is distinct from (coalesce(c.passed, 0), coalesce(c.failed, 0), coalesce(c.errored, 0), coalesce(c.skipped, 0))
                """
            ),
            ("uploads too many or too few", "select abs(count(*) - \(receipts.count)) as n from execution.uploads"),
            (
                "results too many or too few of tests that recur",
                """
                select abs(count(*) - \(receipts.count * UploadLoad.Order.recurring)) as n
                from execution.results where class_name like \(UploadLoad.Order.recurringPrefix + "%")
                """
            ),
            (
                "results without a run",
                "select count(*) as n from execution.results s where not exists (select from execution.runs r where r.id = s.run_id)"
            ),
            (
                "failures without their texts, or texts without a result",
                "select abs((select count(*) from execution.results where outcome = 2) - (select count(*) from execution.result_details)) as n"
            ),
            (
                "uploads whose report is not kept",
                "select count(*) as n from execution.uploads u where not exists (select from execution.raw_reports r where r.upload_id = u.id)"
            ),
            (
                "reports kept of no upload",
                "select count(*) as n from execution.raw_reports r where not exists (select from execution.uploads u where r.upload_id = u.id)"
            ),
        ]
        for (name, rule) in rules {
            let count = try await tx.one(rule) { try $0.value("n", as: Int.self) }
            if count != 0 { problems.append("\(count) \(name)") }
        }
        return problems
    }

    // MARK: - What the others have been told

    private func laggards() async throws -> [String] {
        let results = receipts.reduce(0) { $0 + $1.order.cases + UploadLoad.Order.recurring }
        let failed = receipts.reduce(0) { $0 + $1.order.failed + $1.order.recurringFailed }
        let rules: [(String, SQL, Int)] = [
            ("facts of Analytics", "select count(*) as n from analytics.facts", results),
            (
                "results in the sums of Analytics", "select coalesce(sum(passed + failed + errored + skipped), 0)::bigint as n from analytics.days",
                results
            ),
            ("failures with Validation", "select count(*) as n from validation.failures", failed),
            (
                "transactions left open",
                "select count(*) as n from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'", 0
            ),
        ]
        var problems: [String] = []
        for (name, rule, expected) in rules {
            let count = try await number(rule)
            if count != expected { problems.append("\(count) \(name), not \(expected)") }
        }
        return problems
    }

    private func number(_ rule: SQL) async throws -> Int {
        try await database.one(.system, rule) { try $0.value("n", as: Int.self) }
    }
}
