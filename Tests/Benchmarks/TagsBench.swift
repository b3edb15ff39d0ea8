import ArgumentParser
import Foundation
import Logging
import Postgres
import TestSupport

/// The first page of a project's results by tag and outcome, with ten million results stored; through the gateway, one request at a time.
///
/// The rows are made by PostgreSQL, runs of a thousand: one result in a hundred failed, one was skipped, in one run of fifty one could not be carried out;
/// four tags a run, of which one is its own alone, and one result in ten has a tag by itself. What a page must hold is computed from the same numbers.
struct TagsBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "tags", abstract: "Results found by tag and outcome (goal: p95 below 50 ms).")

    private static let perRun = 1000

    @Option(help: "Results stored.") var results = 10_000_000
    @Option(help: "Requests for each list.") var rounds = 100

    /// Lists, and what the names on the first page are made of: the number of a run and the number of a test in it, newest first.
    private struct List: Sendable {
        let name: String
        let query: String
        let holds: @Sendable (_ run: Int, _ test: Int) -> Bool
    }

    private static func outcome(_ run: Int, _ test: Int) -> String {
        test % 100 == 99 ? "FAILED" : test % 100 == 49 ? "SKIPPED" : run % 50 == 0 && test == 500 ? "ERRORED" : "PASSED"
    }

    private static let lists = [
        List(name: "os_failed", query: "tag=os:os0&outcome=FAILED") { $0 % 3 == 0 && outcome($0, $1) == "FAILED" },
        List(name: "branch_failed", query: "branch=main&outcome=FAILED") { $0 % 10 != 0 && outcome($0, $1) == "FAILED" },
        List(name: "own_tag_failed", query: "tag=priority:high&outcome=FAILED") { $1 % 10 == 9 && outcome($0, $1) == "FAILED" },
        List(name: "two_tags_failed", query: "tag=os:os1&tag=browser:b2&outcome=FAILED") {
            $0 % 3 == 1 && $0 % 5 == 2 && outcome($0, $1) == "FAILED"
        },
        List(name: "run_and_own_tag_failed", query: "tag=os:os1&tag=priority:high&outcome=FAILED") {
            $0 % 3 == 1 && $1 % 10 == 9 && outcome($0, $1) == "FAILED"
        },
        List(name: "build_passed", query: "tag=build:7&outcome=PASSED") { $0 == 7 && outcome($0, $1) == "PASSED" },
        List(name: "all_errored", query: "outcome=ERRORED") { outcome($0, $1) == "ERRORED" },
        List(name: "os_any", query: "tag=os:os2") { run, _ in run % 3 == 2 },
    ]

    func run() async throws {
        try await Stack.with { stack in
            let api = APIClient(stack)
            let project = try await api.post("/projects", ["name": "Tags bench"])
            guard project.status == 201 else { throw BenchFailure("POST /projects answered \(project.status): \(project.text)") }
            let id = project.string("id")
            // Its row says in the database's own words whose the project is.
            let first = try await api.send(
                "POST", "/projects/\(id)/uploads?name=first", body: BenchReport.junit(1, className: "C"), headers: ["Content-Type": "application/xml"]
            )
            guard first.status == 202 else { throw BenchFailure("the upload answered \(first.status): \(first.text)") }
            let database = Database(
                try DatabaseConfiguration(url: stack.adminURL, poolSize: 1, statementTimeout: 1_800_000, searchPath: "execution"), logger: .silent)
            defer { database.close() }
            try await Outbox.drained(database)
            // It must not be the newest result of all.
            try await database.execute(.system, "delete from result_tags")
            let start = ContinuousClock.now
            try await fill(database)
            FileHandle.standardError.write(Data("\(results) results stored in \((ContinuousClock.now - start) / .seconds(1)) s\n".utf8))
            var all: [Double] = []
            for list in Self.lists {
                let times = try await measure(list, api, id)
                all += times
                Figure("tags.\(list.name).p95", percentile(times, 0.95), "ms", goal: "<50").print()
            }
            Figure("tags.p95", percentile(all, 0.95), "ms", goal: "<50").print()
            Figure("tags.slowest", all.max() ?? 0, "ms", goal: "").print()
        }
    }

    private func percentile(_ times: [Double], _ share: Double) -> Double {
        let sorted = times.sorted()
        return sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
    }

    private func measure(_ list: List, _ api: APIClient, _ project: String) async throws -> [Double] {
        var expected: [String] = []
        var run = results / Self.perRun - 1
        while expected.count < 50, run >= 0 {
            for test in stride(from: Self.perRun - 1, through: 0, by: -1) where expected.count < 50 && list.holds(run, test) {
                expected.append("test \(test) of run \(run)")
            }
            run -= 1
        }
        var times: [Double] = []
        for round in 0..<rounds {
            let start = ContinuousClock.now
            let answer = try await api.get("/projects/\(project)/results?limit=50&\(list.query)")
            times.append((ContinuousClock.now - start) / .milliseconds(1))
            guard round == 0 else { continue }
            let names = (answer["data"] as? [[String: Any]])?.compactMap { $0["name"] as? String }
            guard names == expected else { throw BenchFailure("\(list.name): \(answer.text.prefix(2000)) instead of \(expected)") }
        }
        return times
    }

    /// Ids are UUIDv7 as an upload's are: the time, then the number of the result.
    private func fill(_ database: Database) async throws {
        try await database.execute(
            .system,
            """
            create function pg_temp.tag_id(project uuid, tag text) returns uuid language sql immutable as $$
                select encode(set_byte(set_byte(h, 6, get_byte(h, 6) & 15 | 128), 8, get_byte(h, 8) & 63 | 128), 'hex')::uuid
                from (select substring(sha256(uuid_send(project) || convert_to('tag' || tag, 'UTF8')) for 16) as h) digest
            $$
            """)
        try await database.execute(
            .system,
            """
            create function pg_temp.result_id(run integer, test integer) returns uuid language sql immutable as $$
                select (lpad(to_hex(1700000000000 + run), 12, '0') || '70008000000' || lpad(to_hex(test), 9, '0'))::uuid
            $$
            """)
        try await database.execute(
            .system,
            """
            create function pg_temp.run_id(run integer) returns uuid language sql immutable as $$
                select (lpad(to_hex(1700000000000 + run), 12, '0') || '7fff8000' || lpad(to_hex(run), 12, '0'))::uuid
            $$
            """)
        try await database.execute(
            .system,
            "create table bench_runs as select n as run, now() - make_interval(secs => \(Int32(results / Self.perRun)) - n) as recorded_at from generate_series(0, \(Int32(results / Self.perRun - 1))) n"
        )
        try await database.execute(
            .system, "create table bench_owner as select tenant_id, project_id from runs order by created_at desc limit 1")
        try await database.execute(
            .system,
            """
            insert into results (tenant_id, run_id, id, test_id, recorded_at, duration_us, outcome, suite_name, class_name, name, tags)
            select o.tenant_id, pg_temp.run_id(b.run), pg_temp.result_id(b.run, t), md5(t::text)::uuid, b.recorded_at, 1000 * t,
                case when t % 100 = 99 then 2 when t % 100 = 49 then 4 when b.run % 50 = 0 and t = 500 then 3 else 1 end,
                'bench', 'com.example.shop.Test' || t / 40, 'test ' || t || ' of run ' || b.run, case when t % 10 = 9 then 'priority:high' end
            from bench_owner o, bench_runs b, generate_series(0, \(Int32(Self.perRun - 1))) t
            """)
        try await database.execute(
            .system,
            """
            insert into result_tags (tenant_id, run_id, tag_id, first_id, last_id, recorded_at, outcome)
            select o.tenant_id, pg_temp.run_id(b.run), pg_temp.tag_id(o.project_id, tag), pg_temp.result_id(b.run, 0),
                pg_temp.result_id(b.run, \(Int32(Self.perRun - 1))), b.recorded_at, outcome
            from bench_owner o, bench_runs b,
                unnest(array['', 'os:os' || b.run % 3, 'browser:b' || b.run % 5, 'build:' || b.run,
                    'branch:' || case when b.run % 10 = 0 then 'topic-' || b.run else 'main' end]) tag,
                unnest(array[1, 2, 4] || case when b.run % 50 = 0 then array[3] else '{}'::integer[] end) outcome
            """)
        try await database.execute(
            .system,
            """
            insert into result_tags (tenant_id, run_id, tag_id, first_id, last_id, recorded_at, outcome)
            select o.tenant_id, pg_temp.run_id(b.run), h.tag_id, pg_temp.result_id(b.run, t), pg_temp.result_id(b.run, t), b.recorded_at,
                case when t % 100 = 99 then 2 when t % 100 = 49 then 4 else 1 end
            from bench_owner o, bench_runs b, generate_series(9, \(Int32(Self.perRun - 1)), 10) t,
                (select pg_temp.tag_id(project_id, 'priority:high') as tag_id from bench_owner) h
            """)
        for table in ["results", "result_tags"] { try await database.execute(.system, "analyze \(identifier: table)") }
    }
}
