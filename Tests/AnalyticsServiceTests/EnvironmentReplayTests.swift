import AnalyticsAPI
import CommonAPI
import Foundation
import GRPCCore
import Jobs
import Postgres
import Primitives
import SwiftProtobuf
import TestSupport
import Testing

@testable import AnalyticsService

@Suite("receipts of incidents", .database(AnalyticsProgram.schema, JobSchema.schema))
struct EnvironmentReplayTests {
    /// Runs of some commits on some hosts, of which the first is ill; a few tests fail here and there.
    private static func window(seed: UInt64) -> (runs: [PlacedRun], failures: [PlacedFailure], executions: [PlacedExecution]) {
        var random = SplitMix(seed: seed)
        let began = Date(timeIntervalSince1970: 1_790_000_000)
        let tests = (0..<30).map { _ in IllEnvironment.TestID.new() }
        let hosts = Int.random(in: 3...6, using: &random)
        var (runs, failures, executions): ([PlacedRun], [PlacedFailure], [PlacedExecution]) = ([], [], [])
        for number in 0..<Int.random(in: 16...40, using: &random) {
            let host = number % hosts
            let place = PlacedRun.Place(run: .new(), host: "host \(host)", zone: "zone \(host % 2)")
            let (commit, at) = ("c\(number / 8)", began + Double(number) * 1_200)
            runs.append(PlacedRun(place: place, commit: commit, startedAt: at, results: tests.count))
            for (index, test) in tests.enumerated() {
                let fails = Int.random(in: 0..<20, using: &random) < (host == 0 ? 6 : index % 15 == 0 ? 4 : 0)
                let result = ID<AnalyticsService.Result>.new()
                executions.append(
                    PlacedExecution(
                        result: result, test: test, run: place.run, branch: "main", environment: "", commit: commit, startedAt: at, passed: !fails))
                guard fails else { continue }
                failures.append(
                    PlacedFailure(
                        result: result, test: test, place: place, group: UInt64(index / 2 + 1), branch: "main", environment: "", commit: commit,
                        startedAt: at, failedTries: 0))
            }
        }
        return (runs, failures, executions)
    }

    /// Each commit was run once, in turn on three hosts; on one of them some tests fail.
    private static func onceEach() -> (runs: [PlacedRun], failures: [PlacedFailure], executions: [PlacedExecution]) {
        let began = Date(timeIntervalSince1970: 1_790_000_000)
        let tests = (0..<12).map { _ in IllEnvironment.TestID.new() }
        var (runs, failures, executions): ([PlacedRun], [PlacedFailure], [PlacedExecution]) = ([], [], [])
        for number in 0..<40 {
            let place = PlacedRun.Place(run: .new(), host: "host \(number % 3)", zone: "")
            let (commit, at) = ("c\(number)", began + Double(number) * 1_200)
            runs.append(PlacedRun(place: place, commit: commit, startedAt: at, results: tests.count))
            for (index, test) in tests.enumerated() {
                let (result, fails) = (ID<AnalyticsService.Result>.new(), number % 3 == 1 && index < 8)
                executions.append(
                    PlacedExecution(
                        result: result, test: test, run: place.run, branch: "main", environment: "", commit: commit, startedAt: at, passed: !fails))
                guard fails else { continue }
                failures.append(
                    PlacedFailure(
                        result: result, test: test, place: place, group: UInt64(index / 2 + 1), branch: "main", environment: "", commit: commit,
                        startedAt: at, failedTries: 0))
            }
        }
        return (runs, failures, executions)
    }

    @Test("what was found between commits replays to the same, and without their executions from its numbers alone")
    func between() throws {
        let (runs, failures, executions) = Self.onceEach()
        let findings = EnvironmentFindings(
            project: .new(), runs: runs, failures: failures, executions: executions, known: [], now: Date(timeIntervalSince1970: 1_790_060_000))
        let incident = try #require(findings.incidents.first)
        #expect(findings.incidents.count == 1 && incident.kind == .host && incident.place == "host 1" && incident.failures == failures.count)
        #expect(incident.evidence.contrast == .otherCommits && incident.evidence.edition == 3)
        let whole = try EnvironmentReplay(
            incident, runs: runs.shuffled(), failures: failures.shuffled(), executions: executions.shuffled(), known: findings.incidents)
        #expect(whole.agrees && whole.again == incident.evidence)
        let fewer = Array(executions.dropLast())
        let later = try EnvironmentReplay(incident, runs: runs, failures: failures, executions: fewer, known: findings.incidents)
        #expect(later.agrees && later.again == nil)
        var tampered = incident
        tampered.evidence.contrast = .sameCommit
        #expect(try !EnvironmentReplay(tampered, runs: runs, failures: failures, executions: executions, known: []).agrees)
    }

    @Test("a receipt of the second edition replays by the second, which compares results of one commit only")
    func secondEdition() throws {
        let now = Date(timeIntervalSince1970: 1_790_060_000)
        let (runs, failures, executions) = Self.window(seed: 1)
        let input = EnvironmentInput(runs: runs, failures: failures, executions: [], without: [], for: .second)
        let cause = try #require(EnvironmentSearch.causes(in: input.window, by: .second).first)
        let (kind, place) = try #require(input.name(of: cause))
        let evidence = EnvironmentIncident.Evidence(cause, by: .second, inputHash: input.hash, lookedAt: now)
        let incident = EnvironmentIncident(
            id: .new(), project: .new(), kind: kind, place: place, state: .standing, evidence: evidence, failures: cause.failures.count, from: now,
            to: now)
        // As that edition wrote it down.
        let numbers = cause.numbers
        let text = "2 \(numbers.tests) \(numbers.groups) \(numbers.compared) \(numbers.there) \(numbers.expected) \(numbers.chance)"
        #expect(evidence.numbersHash == StableHash.of("\(text) \(numbers.tried) \(input.hash)"))
        let replay = try EnvironmentReplay(incident, runs: runs, failures: failures, executions: executions, known: [])
        #expect(replay.agrees && replay.again == evidence && evidence.edition == 2)
        // The third shares the error among more places.
        let current = EnvironmentInput(runs: runs, failures: failures, executions: executions, without: [])
        let third = try #require(EnvironmentSearch.causes(in: current.window).first { $0.place == cause.place })
        #expect(third.numbers.tried == 2 * numbers.tried)

        let once = Self.onceEach()
        let second = EnvironmentInput(runs: once.runs, failures: once.failures, executions: once.executions, without: [], for: .second)
        #expect(second.window.executions.isEmpty && EnvironmentSearch.causes(in: second.window, by: .second).isEmpty)
    }

    @Test("whatever incident is found replays to the same, from its numbers alone and from what was looked at; a changed number does not")
    func found() throws {
        var found = 0
        for seed in 1...20 as ClosedRange<UInt64> {
            let (runs, failures, executions) = Self.window(seed: seed)
            let now = Date(timeIntervalSince1970: 1_790_000_000 + 60_000)
            let findings = EnvironmentFindings(
                project: .new(), runs: runs, failures: failures, executions: executions, known: [], now: now)
            found += findings.incidents.count
            for incident in findings.incidents {
                let whole = try EnvironmentReplay(incident, runs: runs, failures: failures, executions: executions, known: findings.incidents)
                #expect(whole.agrees && whole.again == incident.evidence && whole.isMoreThanChance)
                let kept = try EnvironmentReplay(incident, runs: [], failures: [], known: [])
                #expect(kept.agrees && kept.again == nil)
                let changes: [(inout EnvironmentIncident.Evidence) -> Void] = [
                    { $0.tests += 1 }, { $0.groups -= 1 }, { $0.compared += 1 }, { $0.there += 1 }, { $0.expected *= 1.01 }, { $0.chance *= 1.01 },
                    { $0.tried? += 1 }, { $0.inputHash ^= 1 }, { $0.numbersHash? ^= 1 }, { $0.contrast = .otherCommits },
                ]
                for (number, change) in changes.enumerated() {
                    var tampered = incident
                    change(&tampered.evidence)
                    let changed = try EnvironmentReplay(tampered, runs: runs, failures: failures, executions: executions, known: [])
                    #expect(!changed.agrees, "change \(number)")
                    // Of what the chance is made from, even when the hash is made to fit.
                    guard (2...5).contains(number) else { continue }
                    tampered.evidence.numbersHash = tampered.evidence.workedOutHash
                    #expect(try !EnvironmentReplay(tampered, runs: [], failures: [], known: []).agrees, "change \(number)")
                }
            }
        }
        #expect(found >= 20)
    }

    @Test("executions are read in pages of tests, all of them in any, and none for an edition that looks at none")
    func pages() async throws {
        let ill = IllEnvironment()
        try await ill.illHost()
        let now = ill.began + 3_600
        let failures = try await ill.environments.window(of: ill.project, at: now, tenant: ill.tenant).failures
        func read(_ method: EnvironmentMethod = .current, page: Int) async throws -> Set<ID<AnalyticsService.Result>> {
            let read = try await ill.environments.executions(of: failures, at: now, for: method, page: page, tenant: ill.tenant)
            #expect(Set(read.map(\.result)).count == read.count)
            return Set(read.map(\.result))
        }
        let whole = try await read(page: 1_000)
        #expect(whole.count == 90)
        for page in [1, 3, 10] { #expect(try await read(page: page) == whole) }
        #expect(try await read(.second, page: 10).isEmpty)
    }

    @Test("an incident is replayed from its runs and failures until something is added to them, and from its numbers after that; tampering shows")
    func stored() async throws {
        let ill = IllEnvironment()
        try await ill.illHost()
        try await ill.search()
        let id = try #require(try await ill.incidents().first).id
        @Sendable func tamper(_ change: SQL) async throws {
            try await ill.database.execute(
                .tenant(ill.tenant), "update environment_incidents set \(fragment: change) where tenant_id = \(ill.tenant) and id = \(id)")
        }
        try await ill.serve { client in
            @Sendable func replay() async throws -> PBEnvironmentReplay {
                try await client.replayEnvironmentIncident(.with { $0.incident = id.description })
            }
            let incident = try await client.getEnvironmentIncident(.with { $0.incident = id.description })
            let first = try await replay()
            #expect(first.agrees && first.moreThanChance && first.receipt == incident.evidence && first.evidence == incident.evidence)
            #expect(first.receipt.edition == EnvironmentIncident.edition && first.receipt.tried > 0 && first.receipt.hasLookedAt)
            #expect(first.numbersHash == first.receipt.numbersHash && first.numbersHash.count == 16)
            // A person's word is no change of what was looked at.
            _ = try await client.dismissEnvironmentIncident(.with { $0.incident = id.description })
            #expect(try await replay() == first)
            try await ill.run(20, on: "good")
            let later = try await replay()
            #expect(later.agrees && !later.hasEvidence && later.receipt == first.receipt)
            try await tamper("there = there + 1")
            #expect(try await !replay().agrees)
            try await tamper("there = there - 1, tests = tests + 1")
            #expect(try await !replay().agrees)
            try await tamper("tests = tests - 1")
            #expect(try await replay().agrees)
            // The answer tells what is stored, not what this release would write.
            for (change, edition) in [("edition = 1", 1), ("edition = 2, tried = null", 2)] as [(SQL, Int32)] {
                try await tamper(change)
                #expect(try await client.getEnvironmentIncident(.with { $0.incident = id.description }).evidence.edition == edition)
                let fault = try await InProcess.fault { try await replay() }
                #expect(fault.code == "environment_incident.not_replayable" && fault.kind == .precondition)
            }
        }
    }
}
