import AnalyticsAPI
import CommonAPI
import ExecutionAPI
import Foundation
import GRPCCore
import Jobs
import Postgres
import Primitives
import ServiceKit
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing
import ValidationAPI

@testable import ExecutionService

@Suite("how branches stand to their baselines", .database(ExecutionProgram.schema, JobSchema.schema))
struct RegressionStatesTests: RegressionSuite {
    let fixture = UploadFixture()
    let held = KnownBaselines()
    let turned = KnownTurns()
    let known = KnownFailures()

    private func list() async throws -> [PBRegressionState] {
        try await regressions { client in
            try await client.listRegressionStates(.with { $0.project = fixture.project.description }).data
        }
    }

    /// Of the only branch.
    private func summary() async throws -> PBRegressionSummary { try #require(try await list().first).summary }

    private func say(_ kind: PBRegressionVerdict.Kind?, of name: String, on run: ID<Run>) async throws {
        try await serve { client in
            let words = PBRegressionVerdicts.Client(wrapping: client)
            guard let kind else {
                _ = try await words.deleteRegressionVerdict(
                    .with {
                        $0.run = run.description
                        $0.test = test(name)
                    })
                return
            }
            _ = try await words.putRegressionVerdict(
                .with {
                    $0.run = run.description
                    $0.test = test(name)
                    $0.kind = kind
                    $0.reason = "r"
                })
        }
    }

    @Test("a branch says what its newest run was told: the failure of a flaky test, or of an ill host, is no regression")
    func told() async throws {
        let names = ["broke", "flake", "host", "new"]
        let base = try await run(names.map { ($0, "") }, commit: "c0")
        let last = try await run(names.map { ($0, "<failure/>") }, commit: "c1")
        held.baselines.withLock { $0 = [baseline(base)] }
        tell([
            (
                "broke",
                {
                    $0.kind = .stable; $0.confidence = 0.97
                }
            ),
            (
                "flake",
                {
                    $0.kind = .flaky; $0.confidence = 0.95
                }
            ),
            (
                "host",
                {
                    $0.kind = .stable; $0.incident = ID<ExecutionService.Baseline>.new().description
                }
            ),
        ])
        let untold = try await summary()
        #expect(untold.regressed == 4 && !untold.hasAssessed)
        try await conclude(last)
        known.calls.withLock { $0 = [] }
        turned.asked.withLock { $0 = [] }
        let told = try await summary()
        #expect(told.regressed == 4 && told.hasAssessed)
        let counts = told.assessed
        #expect([counts.regression, counts.flake, counts.environment, counts.uncertain] == [1, 1, 1, 1])
        #expect([counts.noRegression, counts.unassessed] == [0, 0])
        // It is kept: nobody is asked.
        #expect(known.calls.withLock { $0 }.isEmpty && turned.asked.withLock { $0 }.isEmpty)
    }

    @Test("people's words stand above what was told, on later runs too until the test passes, and leave it to that when they are taken back")
    func words() async throws {
        let base = try await run([("a", ""), ("b", "")], commit: "c0")
        let first = try await run([("a", "<failure/>"), ("b", "<failure/>")], commit: "c1")
        held.baselines.withLock { $0 = [baseline(base)] }
        tell([
            (
                "b",
                {
                    $0.kind = .stable; $0.confidence = 0.9
                }
            )
        ])
        func assessed() async throws -> [Int64] {
            let summary = try await summary()
            try #require(summary.hasAssessed)
            let counts = summary.assessed
            return [counts.regression, counts.flake, counts.environment, counts.uncertain, counts.noRegression, counts.unassessed]
        }
        try await conclude(first)
        #expect(try await assessed() == [1, 0, 0, 1, 0, 0])
        try await say(.noRegression, of: "b", on: first)
        #expect(try await assessed() == [0, 0, 0, 1, 1, 0])
        try await say(.flake, of: "b", on: first)
        try await say(.environment, of: "a", on: first)
        #expect(try await assessed() == [0, 1, 1, 0, 0, 0])

        let second = try await run([("a", "<failure/>"), ("b", "<failure/>")], commit: "c2")
        try await conclude(second)
        #expect(try await assessed() == [0, 1, 1, 0, 0, 0])
        let began = try await fixture.runs.get(second, tenant: fixture.tenant).createdAt
        turned.turns.withLock { turns in
            turns = [
                .with {
                    $0.test = test("b")
                    $0.lastPass = .with {
                        $0.run = base.description
                        $0.at = .init(milliseconds: began.addingTimeInterval(-0.001))
                    }
                }
            ]
        }
        // What fails there after a pass is something new.
        #expect(try await assessed() == [1, 0, 1, 0, 0, 0])
        turned.turns.withLock { $0 = [] }
        try await say(nil, of: "a", on: second)
        #expect(try await assessed() == [0, 1, 0, 1, 0, 0])
        // There is one place only, so it is asked as a release understands it, too, that knows no places.
        let asked = try #require(turned.asked.withLock { $0 }.last)
        let place = try #require(asked.places.first)
        #expect(asked.branch == "main" && asked.environment == "ci" && asked.hasUntil && asked.until == place.until)
        #expect(asked.places.count == asked.tests.count && asked.places.allSatisfy { $0 == place })
    }

    @Test("of all branches of a page it is asked at once where the tests passed last that people spoke of; beyond a limit nothing is said")
    func page() async throws {
        let branches = ["main", "release"]
        var baselines: [PBBaseline] = []
        for branch in branches {
            let base = try await run([("a", ""), ("b", "")], commit: "c0", branch: branch)
            baselines.append(baseline(base, branch: branch))
            held.baselines.withLock { [baselines] in $0 = baselines }
            let last = try await run([("a", "<failure/>"), ("b", "<failure/>")], commit: "c1", branch: branch)
            try await conclude(last)
            try await say(branch == "main" ? .noRegression : .flake, of: "a", on: last)
        }
        turned.asked.withLock { $0 = [] }
        let states = try await list()
        #expect(states.map(\.heldAgainst.branch).sorted() == branches)
        for state in states {
            let counts = state.summary.assessed
            let expected: [Int64] = state.heldAgainst.branch == "main" ? [1, 0, 1] : [0, 1, 1]
            #expect([counts.noRegression, counts.flake, counts.uncertain] == expected)
        }
        let asked = turned.asked.withLock { $0 }
        #expect(asked.count == 1)
        let question = try #require(asked.first)
        #expect(question.tests == [test("a"), test("a")] && question.places.map(\.branch).sorted() == branches)
        #expect(question.places.map(\.environment) == ["ci", "ci"] && question.branch.isEmpty && !question.hasUntil)

        let caller = Caller.service("execution", tenant: fixture.tenant)
        let lines = try baselines.map { try HeldAgainst($0) }
        let bounded = try await InProcess.serve([held, turned, known], as: caller, signedBy: "execution") { upstream in
            try await Caller.with(caller) {
                try await RegressionStates(judge: fixture.judge(upstream), mostSpoken: 1).find(lines, of: fixture.project, tenant: fixture.tenant)
            }
        }
        #expect(bounded.map(\.counts.regressed) == [2, 2] && bounded[0].assessed != nil && bounded[1].assessed == nil)
    }

    @Test("what a run was told of another baseline, before it was opened again, or of what is another test since says nothing")
    func stale() async throws {
        let base = try await run([("a", ""), ("old", "<failure/>")], commit: "c0")
        let last = try await run([("a", "<failure/>"), ("new", "<failure/>")], commit: "c1")
        let first = baseline(base)
        held.baselines.withLock { $0 = [first] }
        try await conclude(last)
        #expect(try await summary().assessed.uncertain == 2)

        held.baselines.withLock { $0 = [baseline(base, number: 2)] }
        let other = try await summary()
        #expect(other.regressed == 1 && other.added == 1 && !other.hasAssessed)
        held.baselines.withLock { $0 = [first] }

        func raise(_ change: SQL) async throws {
            try await fixture.database.execute(
                .tenant(fixture.tenant),
                "update runs set version = version + \(fragment: change) where tenant_id = \(fixture.tenant) and id = \(last)")
        }
        try await raise("1")
        #expect(try await !summary().hasAssessed)
        try await raise("-1")
        #expect(try await summary().hasAssessed)

        _ = try await fixture.aliases.insert(
            ID(test("new"), field: "test"), of: ID(test("old"), field: "test"), note: "", by: "usr_a", project: fixture.project,
            tenant: fixture.tenant)
        let renamed = try await summary()
        #expect(renamed.regressed == 1 && renamed.added == 0 && renamed.stillFailing == 1 && !renamed.hasAssessed)
    }
}
