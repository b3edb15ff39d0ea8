import AnalyticsAPI
import CommonAPI
import Foundation
import Jobs
import Postgres
import Primitives
import ServiceKit
import SwiftProtobuf
import TestSupport
import Testing

@testable import AnalyticsService

@Suite("reasons that are kept with a test", .database(AnalyticsProgram.schema, JobSchema.schema))
struct KeptReasonsTests {
    typealias TestID = ID<AnalyticsService.Test>

    let tenant = ID<Tenant>.new()
    let project = ID<Project>.new()

    private static let all: [StabilityReason] = [
        .bothOutcomesOnOneCommit(commits: 3), .retryPassed(times: 1), .failedBetweenPasses(times: 300), .failureRate(lower: 0.125, upper: 1 / 3),
        .alikeMessages(pairs: 2, of: 130), .failsSince(first: -5, commit: .max, results: 4, commits: 2),
        .passesSince(first: 1_790_000_000_000, commit: 0, results: 12), .neverPassed(results: 9), .neverFailed(results: 10_000_000),
        .environmentFailures(count: 7), .tooFewResults(results: 2), .nothingPassedSince(results: 1), .flakyBefore,
        .failedElsewhere(failures: 6, of: 260),
    ]

    @Test("what is written is read again, each reason by itself and all together")
    func roundTrip() {
        for reasons in [[], Self.all] + Self.all.map({ [$0] }) {
            let kept = KeptReasons(reasons, of: 0xFEDC_BA98_7654_3210)
            #expect(KeptReasons(bytes: kept.bytes) == kept)
        }
    }

    @Test("bytes that were cut, or are of another layout, are none")
    func damaged() {
        let bytes = KeptReasons(Self.all, of: 1).bytes
        #expect(KeptReasons(bytes: []) == nil && KeptReasons(bytes: [2] + bytes.dropFirst()) == nil && KeptReasons(bytes: bytes + [99]) == nil)
        // Behind a whole reason nothing is missing but further ones, so the last one is cut.
        let last = KeptReasons([.failsSince(first: 5, commit: 6, results: 7, commits: 8)], of: 1).bytes
        for size in 10..<last.count { #expect(KeptReasons(bytes: Array(last.prefix(size))) == nil, "\(size) bytes") }
    }

    @Test("the list of flaky tests tells what is kept, and works out what is not, or was found in something else: both are the same")
    func listed() async throws {
        let database = TestDatabase.current.database
        let stabilities = StabilityStore(database: database)
        let (flaky, retried, stable) = (TestID.new(), TestID.new(), TestID.new())
        try await send([flaky: "pppfppppfpppppfpppppfppp", retried: "pppprppppprppprpppppr", stable: "pppppppp"], to: stabilities)
        let rpc = StabilitiesRPC(
            tests: TestStore(database: database), stabilities: stabilities, quarantines: QuarantineStore(database: database),
            revisions: RevisionStore(database: database))
        try await InProcess.serve([rpc], rules: AnalyticsContract.rules, as: .service("gateway", tenant: tenant), signedBy: "gateway") { client in
            let client = PBStabilities.Client(wrapping: client)
            func reasons() async throws -> [String: [String]] {
                let answer = try await client.listFlakyTests(.with { $0.project = project.description })
                return Dictionary(uniqueKeysWithValues: answer.data.map { ($0.test.id, $0.reasons.map(\.detail)) })
            }
            func set(_ change: SQL) async throws {
                try await database.execute(
                    .tenant(tenant), "update tests set \(fragment: change) where tenant_id = \(tenant) and project_id = \(project)")
            }
            let kept = try await reasons()
            #expect(Set(kept.keys) == [flaky.description, retried.description])
            for (test, details) in kept {
                let whole = try await client.getTestStability(.with { $0.test = test })
                #expect(!details.isEmpty && details == whole.reasons.map(\.detail))
            }
            let isKept = try await database.rows(
                .tenant(tenant), "select id from tests where tenant_id = \(tenant) and project_id = \(project) and flaky_reasons is not null"
            ) { try $0.value("id", as: TestID.self) }
            #expect(Set(isKept) == [flaky, retried])
            // As an earlier release would have judged since.
            try await set("stability_input = stability_input + 1")
            #expect(try await reasons() == kept)
            try await set("stability_input = stability_input - 1, flaky_reasons = null")
            #expect(try await reasons() == kept)
        }
    }

    @Test("what is kept goes with the verdict")
    func gone() async throws {
        let database = TestDatabase.current.database
        let stabilities = StabilityStore(database: database)
        let test = TestID.new()
        func kept() async throws -> Bool {
            try await database.one(
                .tenant(tenant), "select flaky_reasons is not null as kept from tests where tenant_id = \(tenant) and id = \(test)"
            ) { try $0.value("kept") }
        }
        try await send([test: "pfppfp"], to: stabilities)
        #expect(try await kept())
        // Nothing but a skipped execution leaves it as it is.
        try await send([test: "s"], from: 6, to: stabilities)
        #expect(try await kept())
        try await send([test: String(repeating: "f", count: 60)], from: 7, to: stabilities)
        #expect(try await TestStore(database: database).get(test, tenant: tenant).stability?.kind != .flaky)
        #expect(try await !kept())
    }

    /// Outcomes by letters: `p`assed, `f`ailed, `r`etried, `s`kipped; a commit for every third run.
    private func send(_ histories: [TestID: String], from first: Int = 0, to stabilities: StabilityStore) async throws {
        let facts = FactStore(database: stabilities.database, stabilities: stabilities)
        let length = histories.values.map(\.count).max() ?? 0
        for run in 0..<length {
            let outcomes = histories.compactMap { test, history in history.count > run ? (test, Array(history)[run]) : nil }
            try await facts.insert(
                FactBatch(
                    project: project, run: .new(), event: UUID().uuidString, branch: "main", commit: "c\((first + run) / 3)", environment: "",
                    startedAt: Date(timeIntervalSince1970: 1_790_000_000 + Double(first + run) * 60),
                    facts: outcomes.map { test, letter in
                        let outcome: Outcome = letter == "f" ? .failed : letter == "s" ? .skipped : .passed
                        return Fact(
                            result: .new(), test: test, suiteName: "s", className: "c", name: "n", outcome: outcome, duration: 1,
                            failedTries: letter == "r" ? 1 : 0)
                    }), tenant: tenant)
        }
    }
}
