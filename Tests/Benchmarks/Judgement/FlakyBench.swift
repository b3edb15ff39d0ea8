import Foundation
import Logging
import Postgres
import TestSupport

/// How right what is said of tests is, and how soon, through the whole of Assay: runs drawn of published reruns are uploaded, verdicts are asked for.
///
/// What can be found is what the drawn runs show: both outcomes of a test that has both. Nothing is learnt from the data, so there is nothing to hold back.
struct FlakyBench {
    let projects: [FlakyProject]
    let runs: Int
    let clients: Int
    let seed: UInt64

    func run(_ setting: FlakySetting) async throws {
        try await Stack.with { stack in try await measure(setting, stack) }
    }

    private func measure(_ setting: FlakySetting, _ stack: Stack) async throws {
        let api = APIClient(stack)
        var random = SeededRandom(seed: seed &+ UInt64(runs))
        let draws = projects.map { FlakyDraw($0, setting, runs: runs, using: &random) }
        var ids: [String] = []
        for project in projects {
            let made = try await api.post("/projects", ["name": project.name])
            guard made.status == 201 else { throw BenchFailure("POST /projects answered \(made.status): \(made.text)") }
            ids.append(made.string("id"))
        }
        let port = URL(string: stack.url)?.port ?? 0
        let orders = (0..<runs).flatMap { run in draws.indices.map { (run: run, draw: $0) } }
        let began = ContinuousClock.now
        let firstRun = Date() - Double(runs) * 60
        try await withThrowingTaskGroup(of: Void.self) { group in
            for client in 0..<clients {
                group.addTask { [ids] in
                    for order in stride(from: client, to: orders.count, by: clients).map({ orders[$0] }) {
                        let draw = draws[order.draw]
                        let post = SocketPost(
                            port: port,
                            target:
                                "/api/v1/projects/\(ids[order.draw])/uploads?run_env[branch]=main&run_env[commit_sha]=c\(draw.commits[order.run])",
                            headers: ["Authorization": "Bearer \(api.key)", "Content-Type": "application/xml"],
                            body: draw.report(of: order.run, at: firstRun + Double(order.run) * 60))
                        guard case .answered(let answer) = await post.send(), answer.status == 202 else {
                            throw BenchFailure("an upload was not taken")
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        let uploaded = ContinuousClock.now
        let database = Database(try DatabaseConfiguration(url: stack.adminURL, poolSize: 1, searchPath: "execution"), logger: .silent)
        defer { database.close() }
        try await Outbox.drained(database)
        let visible = ContinuousClock.now
        var score = FlakyScore()
        for (draw, id) in zip(draws, ids) { try score.count(draw, try await kinds(of: id, api)) }
        let results = projects.reduce(0) { $0 + $1.tests.count } * runs
        let name = "judgement.flaky.\(setting.rawValue)"
        Figure("\(name).precision", score.precision, "of \(score.called)", goal: ">=0.98").print()
        Figure("\(name).found", score.found, "of \(score.shown)", goal: ">=0.95").print()
        Figure("\(name).always_failing_called_flaky", Double(score.brokenCalledFlaky), "of \(score.broken)", goal: "0").print()
        for (change, counts) in score.changes.sorted(by: { $0.key < $1.key }) {
            Figure("\(name).\(change)", Double(counts.right) / Double(counts.all), "rightly told of \(counts.all)", goal: "").print()
        }
        Figure("\(name).results_to_visible", Double(results) / ((visible - began) / .seconds(1)), "1/s", goal: ">=20000").print()
        Figure("\(name).lag", (visible - uploaded) / .seconds(1), "s", goal: "<2").print()
    }

    /// What is said of each test, by its full name.
    private func kinds(of project: String, _ api: APIClient) async throws -> [String: String] {
        var kinds: [String: String] = [:]
        var cursor = ""
        repeat {
            let page = try await api.get("/projects/\(project)/tests?limit=200&cursor=\(cursor)")
            guard page.status == 200, let tests = page["data"] as? [[String: Any]] else { throw BenchFailure("the list of tests: \(page.text)") }
            for test in tests {
                let stability = test["stability"] as? [String: Any]
                kinds["\(test["class_name"] ?? "")#\(test["name"] ?? "")"] = stability?["kind"] as? String ?? ""
            }
            cursor = page.string("page.next_cursor")
        } while !cursor.isEmpty
        return kinds
    }
}
