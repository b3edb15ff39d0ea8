import Foundation
import Logging
import Postgres
import TestSupport

/// What is asked of a history most, over a small one and then over a large one: runs of the last 90 days, in their order. Nine in ten are uploaded as runs of
/// the past; the last tenth as they would be today, since what is imported is not judged and makes no failure groups. Each part has its own rate: in the
/// second one every result is judged and every failure grouped.
struct HistoryBench {
    private static let days = 90
    private static let rounds = 200
    /// Asked before that: each of the services' connections has to make its plans once more after the analyze.
    private static let warmUp = 50
    private static let smallTests = 1000
    private static let smallRuns = 100
    private static let largeTests = 10_000

    /// Results of the large history.
    let results: Int
    let clients: Int
    let seed: UInt64

    func run() async throws {
        // Each in a database of its own, with services of its own.
        try await Stack.with { first in
            let small = try await load(HistoryReport(tests: Self.smallTests, runs: Self.smallRuns), "small", first)
            try await Stack.with { second in
                let large = try await load(HistoryReport(tests: Self.largeTests, runs: max(1, results / Self.largeTests)), "large", second)
                try await compare(small, large)
            }
        }
    }

    /// A history that can be asked.
    private struct History {
        let api: APIClient
        let project: String
        /// Flaky ones, which are asked for in turn.
        let tests: [String]
    }

    private func load(_ history: HistoryReport, _ name: String, _ stack: Stack) async throws -> History {
        let database = Database(try DatabaseConfiguration(url: stack.adminURL, poolSize: 1, searchPath: "execution"), logger: .silent)
        defer { database.close() }
        let api = APIClient(stack)
        let made = try await api.post("/projects", ["name": "History \(name)"])
        guard made.status == 201 else { throw BenchFailure("POST /projects answered \(made.status): \(made.text)") }
        let project = made.string("id")
        Figure("judgement.history.\(name).results", Double(history.tests * history.runs), "", goal: "").print()
        for (part, runs) in [("past", 0..<history.runs * 9 / 10), ("judged", history.runs * 9 / 10..<history.runs)] {
            let began = ContinuousClock.now
            try await upload(history, runs, isPast: part == "past", to: project, stack)
            let uploaded = ContinuousClock.now
            try await Outbox.drained(database, within: .seconds(900))
            let visible = ContinuousClock.now
            let rate = Double(history.tests * runs.count) / ((visible - began) / .seconds(1))
            Figure("judgement.history.\(name).\(part).results_to_visible", rate, "1/s", goal: ">=20000").print()
            Figure("judgement.history.\(name).\(part).lag", (visible - uploaded) / .seconds(1), "s", goal: "<2").print()
        }
        try await settle(database)
        let groups = try await database.one(.system, "select count(*) as n from validation.failure_groups") { try $0.value("n", as: Int.self) }
        Figure("judgement.history.\(name).failure_groups", Double(groups), "", goal: "").print()
        let flaky = try await api.get("/projects/\(project)/flaky-tests?limit=50")
        let tests = (flaky["data"] as? [[String: Any]] ?? []).compactMap { ($0["test"] as? [String: Any])?["id"] as? String }
        guard flaky.status == 200, !tests.isEmpty else { throw BenchFailure("the flaky tests: \(flaky.status) \(flaky.text.prefix(500))") }
        return History(api: api, project: project, tests: tests)
    }

    /// By name, with `P` for the project and `T` for a test.
    private static let questions: [(name: String, path: String)] = [
        ("trend", "/projects/P/trends?days=\(days)"),
        ("trend_of_suite", "/projects/P/trends?days=\(days)&dimension=SUITE&value=suite%201"),
        ("trend_changes", "/projects/P/trend-changes?days=\(days)"),
        ("suites", "/projects/P/trend-values?days=\(days)&dimension=SUITE"),
        ("quality", "/projects/P/quality-score"),
        // No more rows than the small history has.
        ("top_groups", "/projects/P/failure-groups?sort=FAILURES&limit=20"),
        ("latest_groups", "/projects/P/failure-groups?limit=20"),
        ("groups_of_branch", "/projects/P/failure-groups?branch=main&q=refused&limit=20"),
        ("flaky", "/projects/P/flaky-tests?limit=50"),
        ("test_history", "/tests/T/history"),
        ("test_durations", "/tests/T/durations"), ("test_trend", "/tests/T/trend?days=\(days)&period=WEEK"),
        ("grid", "/projects/P/test-grid"),
    ]

    /// Asks everything of both in turn, again and again, so that what else the machine does for a moment stands beside all of it.
    private func compare(_ small: History, _ large: History) async throws {
        var times = Self.questions.map { _ in (small: [Double](), large: [Double]()) }
        for round in 0..<Self.warmUp + Self.rounds {
            for (index, question) in Self.questions.enumerated() {
                let (before, after) = (try await ask(question.path, small, round), try await ask(question.path, large, round))
                guard round >= Self.warmUp else { continue }
                times[index].small.append(before)
                times[index].large.append(after)
            }
        }
        for (question, times) in zip(Self.questions, times) {
            let (small, large) = (times.small.sorted(), times.large.sorted())
            for (name, rank, goals) in [("p50", Self.rounds / 2, ("", "")), ("p95", Self.rounds * 95 / 100, ("<50", "<=1.5"))] {
                Figure("judgement.history.\(question.name).\(name)", large[rank], "ms", goal: goals.0).print()
                let unit = "times \(String(format: "%.1f", small[rank])) ms"
                Figure("judgement.history.\(question.name).\(name)_over_small", large[rank] / small[rank], unit, goal: goals.1).print()
            }
        }
    }

    /// Waits for what is done later because of so much that was written, beside which questions would be measured: the search for incidents of the environment
    /// some 90 seconds after the last failure, the counting of days of tests, which need not wait its ten minutes here, and the server's vacuum of tables of some
    /// size, as its usual settings have it. What is due after midnight is not waited for.
    private func settle(_ database: Database) async throws {
        try await database.execute(.system, "analyze")
        try await database.execute(.system, "update analytics.jobs set run_at = now() where key like '%/late/%' and state = 'waiting'")
        let deadline = ContinuousClock.now + .seconds(300)
        let busy: SQL = """
            select exists (select from analytics.jobs where run_at < now() + interval '2 minutes')
                or exists (select from pg_stat_activity where backend_type = 'autovacuum worker')
                or exists (
                    select from pg_stat_user_tables
                    where n_live_tup > 1000 and (n_dead_tup > 50 + 0.2 * n_live_tup or n_ins_since_vacuum > 1000 + 0.2 * n_live_tup)) as busy
            """
        while ContinuousClock.now < deadline, try await database.one(.system, busy, { try $0.value("busy", as: Bool.self) }) {
            try await Task.sleep(for: .seconds(1))
        }
        try await database.execute(.system, "checkpoint")
    }

    private func upload(_ history: HistoryReport, _ runs: Range<Int>, isPast: Bool, to project: String, _ stack: Stack) async throws {
        let port = URL(string: stack.url)?.port ?? 0
        let first = Date() - Double(Self.days) * 86_400
        let apart = Double(Self.days) * 86_400 / Double(history.runs + 1)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for client in 0..<clients {
                group.addTask { [clients, seed] in
                    for run in stride(from: runs.lowerBound + client, to: runs.upperBound, by: clients) {
                        var random = SeededRandom(seed: seed &+ UInt64(run) &* 0x9E37_79B9_7F4A_7C15)
                        let start = isPast ? "started_at=\((first + Double(run) * apart).formatted(.iso8601))&" : ""
                        let branch = run % 10 == 9 ? "topic-\(run / 10 % 40)" : "main"
                        let environment = run % 2 == 0 ? "staging" : "production"
                        let code = "run_env[branch]=\(branch)&run_env[commit_sha]=c\(run / 3)"
                        let query = "\(start)\(code)&environment=\(environment)&tags[os]=os\(run % 3)"
                        let post = SocketPost(
                            port: port, target: "/api/v1/projects/\(project)/uploads?\(query)",
                            headers: ["Authorization": "Bearer \(stack.apiKey)", "Content-Type": "application/xml"],
                            body: history.report(of: run, using: &random))
                        guard case .answered(let answer) = await post.send(), answer.status == 202 else {
                            throw BenchFailure("an upload was not taken")
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// - Returns: how long the answer took, in milliseconds.
    private func ask(_ path: String, _ history: History, _ round: Int) async throws -> Double {
        let test = history.tests[round % history.tests.count]
        let path = path.replacing("/P/", with: "/\(history.project)/").replacing("/T/", with: "/\(test)/")
        let start = ContinuousClock.now
        let answer = try await history.api.get(path)
        let time = (ContinuousClock.now - start) / .milliseconds(1)
        guard answer.status == 200 else { throw BenchFailure("\(path): \(answer.status) \(answer.text.prefix(500))") }
        return time
    }
}
