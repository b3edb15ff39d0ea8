import Foundation
import Primitives
import Testing

@testable import ValidationService

@Suite struct GroupStateTests {
    static let monday = Date(timeIntervalSince1970: 1_800_000_000)
    static func at(_ hours: Double) -> Date { monday.addingTimeInterval(hours * 3600) }

    @Test(
        "a state follows from what was seen and what was said",
        arguments: [
            (GroupEvidence(isRecurring: false, openSignatures: 1), .new, .seenOnce),
            (GroupEvidence(isRecurring: true, openSignatures: 1), .ongoing, .seenAgain),
            (GroupEvidence(isRecurring: true, resolvedAt: at(1), openSignatures: 0), .resolved, .resolvedByPerson),
            (GroupEvidence(isRecurring: false, resolvedAt: at(1), isAbsence: true, openSignatures: 0), .resolved, .resolvedByAbsence),
            (GroupEvidence(isRecurring: true, resolvedAt: at(1), hasRegressed: true, openSignatures: 0), .regressed, .contradicted),
            // The same trouble in other words, after it was said to be over.
            (GroupEvidence(isRecurring: true, resolvedAt: at(1), openSignatures: 1, newestOpenAt: at(2)), .regressed, .otherWords),
            // Put together with something that nobody resolved.
            (GroupEvidence(isRecurring: true, resolvedAt: at(1), openSignatures: 1, newestOpenAt: at(0)), .ongoing, .partlyResolved),
            (GroupEvidence(isRecurring: false, resolvedAt: at(1), openSignatures: 1, newestOpenAt: at(0)), .new, .partlyResolved),
        ] as [(GroupEvidence, GroupState, GroupStanding.Reason)])
    func states(evidence: GroupEvidence, state: GroupState, reason: GroupStanding.Reason) throws {
        let standing = GroupStanding(evidence, by: try #require(LifeCycle.numbered(1)))
        #expect(standing.state == state && standing.reason == reason)
    }

    @Test("another edition beside the first makes other states of the same, and is content with less absence")
    func editions() {
        let other = LifeCycle(number: 99, absentRuns: 3, absentDays: 2, otherWords: .unheeded, contradictions: .asHeard, silentDays: nil)
        let evidence = GroupEvidence(isRecurring: true, resolvedAt: Self.at(1), openSignatures: 1, newestOpenAt: Self.at(2), otherWordsAt: Self.at(2))
        let (first, second) = (GroupStanding(evidence), GroupStanding(evidence, by: other))
        #expect(first.state == .regressed && second.state == .ongoing && second.reason == .partlyResolved)
        let start = Self.at(-24 * 3)
        #expect(!Absence.isOver(since: start, runsSince: 4, now: Self.monday))
        #expect(Absence.isOver(since: start, runsSince: 4, now: Self.monday, by: other))
        let proof = Absence.proof(since: start, runsSince: 4, now: Self.monday, by: other)
        #expect(proof == Absence.Proof(runs: 4, days: 3, neededRuns: 3, neededDays: 2) && proof.isEnough)
        #expect(!Absence.proof(since: start, runsSince: 4, now: Self.monday).isEnough)
        #expect(Absence.silence(now: Self.monday) == Self.at(-24 * 14) && Absence.silence(now: Self.monday, by: other) == nil)
        let numbers = LifeCycle.released.map(\.number)
        #expect(numbers == Array(1...Int32(numbers.count)) && LifeCycle.current.number == numbers.last && LifeCycle.numbered(0) == nil)
    }

    @Test("edition 2 heeds other words that contradict the resolution, edition 1 all that are newer, and compares with nothing that it does not heed")
    func otherWords() throws {
        let (first, second) = (try #require(LifeCycle.numbered(1)), try #require(LifeCycle.numbered(2)))
        var evidence = GroupEvidence(isRecurring: true, resolvedAt: Self.at(1), openSignatures: 2, newestOpenAt: Self.at(3))
        #expect(GroupStanding(evidence, by: first).reason == .otherWords)
        #expect(GroupStanding(evidence, by: second) == GroupStanding(GroupEvidence(isRecurring: true, resolvedAt: Self.at(1), openSignatures: 2)))
        #expect(GroupStanding(evidence, by: second).reason == .partlyResolved)
        let kept = evidence
        evidence.otherWordsAt = Self.at(2)
        #expect(GroupStanding(evidence, by: second).reason == .otherWords)
        #expect(kept.heeded(by: first) == evidence.heeded(by: first) && kept.heeded(by: second) != evidence.heeded(by: second))
    }

    @Test(
        "a commit is named by its hash or by the beginning of it, anything else by the whole text",
        arguments: [
            ("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b", true),
            ("9f86d08", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b", true),
            ("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b", "9F86D081884C", true),
            ("9f86d0", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b", false),
            ("9f86d09", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b", false),
            ("1234567", "1234567d1884c7d659a2feaa0c55ad015a3bf4f1", true),
            // Revisions and builds.
            ("1234567", "12345678", false),
            ("release-4.2", "release-4.2.1", false),
            ("release-4.2", "release-4.2", true),
            ("", "", false),
            ("", "9f86d08", false),
        ])
    func commits(one: String, other: String, expected: Bool) {
        #expect(CommitName.areSame(one, other) == expected && CommitName.areSame(other, one) == expected)
    }

    @Test(
        "only what ran first after a resolution contradicts it, and only on its branch",
        arguments: [
            // Resolved at 10: branch and commit of the resolution, of the failure, since when its commit runs.
            ("", "", "main", "c2", 11.0, true),
            ("", "", "main", "c1", 9, false),
            ("main", "", "main", "c2", 11, true),
            ("main", "", "feature", "c2", 11, false),
            ("", "fix", "main", "fix", 9, true),
            ("main", "fix", "feature", "fix", 11, false),
            ("", "fix", "main", "c1", 9, false),
            ("", "9f86d08188", "main", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b", 9, true),
        ])
    func contradiction(branch: String, commit: String, seenBranch: String, seenCommit: String, since: Double, expected: Bool) {
        let resolution = Resolution(at: Self.at(10), by: "usr_1", branch: branch, commit: commit)
        let sighting = Sighting(
            at: Self.at(12), result: .new(), run: .new(), branch: seenBranch, commit: seenCommit, environment: "")
        #expect(resolution.isContradicted(by: sighting, commitSince: Self.at(since)) == expected)
    }

    @Test(
        "absence takes both a week and twenty runs that could have shown it",
        arguments: [(8.0, 20, true), (8, 19, false), (6, 100, false), (7, 20, false)])
    func absence(days: Double, runs: Int, expected: Bool) {
        #expect(Absence.isOver(since: Self.at(-days * 24), runsSince: runs, now: Self.monday) == expected)
    }

    @Test("absence counts from the last failure, or from when a person reopened the group after it")
    func absenceStart() {
        #expect(Absence.start(lastSeen: Self.at(5), reopenedAt: nil) == Self.at(5))
        #expect(Absence.start(lastSeen: Self.at(5), reopenedAt: Self.at(4)) == Self.at(5))
        #expect(Absence.start(lastSeen: Self.at(5), reopenedAt: Self.at(6)) == Self.at(6))
        let start = Absence.start(lastSeen: Self.at(-24 * 30), reopenedAt: Self.at(-24 * 8))
        #expect(Absence.proof(since: start, runsSince: 21, now: Self.monday) == Absence.Proof(runs: 21, days: 8, neededRuns: 20, neededDays: 7))
    }

    @Test(
        "an absence counted again says nothing where it was seen since or taken apart, its last run is gone, or runs are more than are looked at",
        arguments: [
            // Days since it was seen last, runs that could have shown it, runs looked at, and whether that is enough.
            (8.5, 20, 25, true, true), (8.5, 19, 25, true, false), (6, 30, 30, true, false),
            (9, 3, 25, true, nil), (-1, 3, 25, true, nil), (-0.1, 3, 25, true, nil), (8.5, 3, 25, false, nil),
            (8.5, 3, Absence.maxLookedAt, true, nil), (8.5, 20, Absence.maxLookedAt, true, true),
        ] as [(Double, Int, Int, Bool, Bool?)])
    func recount(days: Double, runs: Int, lookedAt: Int, isWhole: Bool, expected: Bool?) {
        let kept = Absence.Proof(runs: 21, days: 8, neededRuns: 20, neededDays: 7, isElsewhere: true)
        let recount = Absence.Recount(
            start: Self.at(-days * 24), resolvedAt: Self.monday, runs: runs, lookedAt: lookedAt, isWhole: isWhole)
        let again = recount.proof(beside: kept)
        #expect(again?.isEnough == expected && again?.isElsewhere == (expected == nil ? nil : true))
    }

    @Test("occurrences are told by the hour up to a week, else by the day, empty ones included")
    func occurrences() {
        let now = Date(timeIntervalSince1970: 1_800_000_000)
        let start = Occurrences.start(days: 2, now: now)
        let hours = [
            Occurrences.Point(at: start, failures: 2), .init(at: start.addingTimeInterval(5 * 3600), failures: 3),
            .init(at: start.addingTimeInterval(24 * 3600), failures: 4), .init(at: now.addingTimeInterval(86_400), failures: 9),
        ]
        let hourly = Occurrences(hours, days: 2, now: now).points
        #expect(hourly.count == 24 + 9 && hourly.map(\.failures).reduce(0, +) == 9)
        #expect(hourly[0].failures == 2 && hourly[5].failures == 3 && hourly[24].failures == 4)
        let daily = Occurrences(hours, days: 8, now: now).points
        #expect(daily.count == 8 && daily[6].failures == 5 && daily[7].failures == 4)
    }

    @Test("a group is told by what its signatures have in common")
    func description() {
        let one = GroupDescription([("IOException\nDb.connect", "connection to <*> refused")])
        #expect(one.errorType == "IOException" && one.location == "Db.connect" && one.template == "connection to <*> refused")
        let several = GroupDescription([
            ("", "session of alice was closed by peer"), ("", "session of bob was closed by peer"), ("X", "something else that a person added"),
        ])
        #expect(several.template == "session of <*> was closed by peer" && several.errorType.isEmpty)
        #expect(GroupDescription([("AssertionError\nCartTest\nadds", "expected <*>")]).location == "CartTest › adds")
    }

    @Test("a cursor is read as it was written, and only for its own order")
    func cursor() throws {
        let group = ID<FailureGroup>.new()
        let read = try #require(try GroupCursor("l~1800000000123000~\(group)", by: .lastSeen))
        #expect(read.group == group && read.description == "l~1800000000123000~\(group)")
        #expect(throws: Fault.self) { try GroupCursor("l~1800000000123000~\(group)", by: .failures) }
        #expect(throws: Fault.self) { try GroupCursor("x", by: .failures) }
        let none = try GroupCursor(nil, by: .failures)
        #expect(none?.description == nil)
    }
}
