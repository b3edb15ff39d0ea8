import Foundation
import Primitives
import Testing

@testable import ExecutionService

@Suite("runs")
struct RunTests {
    @Test(
        "the verdict: a failure outweighs all, an error or a gap is an error, skips pass",
        arguments: [
            (Counts(), false, Run.State.passed), (Counts(passed: 3, skipped: 2), false, .passed),
            (Counts(passed: 3, failed: 1, errored: 1), false, .failed),
            (Counts(passed: 3, errored: 1), false, .error), (Counts(passed: 3), true, .error), (Counts(failed: 1), true, .failed),
        ])
    func verdict(counts: Counts, incomplete: Bool, state: Run.State) {
        #expect(Run.verdict(counts, incomplete: incomplete) == state)
    }

    @Test("an upload adds up, and opens a finished run again")
    func adding() throws {
        let finished = try make().finished(at: Report.now + 5)
        #expect(finished.state == .passed && finished.finishedAt == Report.now + 5 && finished.version == 2)
        let again = try finished.adding(
            RunDelta(counts: Counts(failed: 2), testMicroseconds: 7, incomplete: true, startedAt: Report.now - 10))
        #expect(again.state == .running && again.finishedAt == nil && again.version == 3)
        #expect(again.counts == Counts(passed: 1, failed: 2) && again.testMicroseconds == 12 && again.incomplete)
        #expect(again.startedAt == Report.now - 10)
        #expect(try again.finished(at: Report.now + 9).state == .failed)
    }

    @Test(
        "a run began at the earliest moment that is named, and never after it was here",
        arguments: [
            ([nil], nil), ([-10], -10), ([9 * 3600], 0), ([nil, 9 * 3600], 0), ([9 * 3600, -10], -10), ([-10, 9 * 3600], -10), ([-10, -20], -20),
        ] as [([TimeInterval?], TimeInterval?)])
    func start(named: [TimeInterval?], expected: TimeInterval?) {
        let times = named.map { $0.map { Report.now + $0 } }
        #expect(Run.start(named: times, createdAt: Report.now) == expected.map { Report.now + $0 })
    }

    @Test("uploads whose clocks are ahead move no run behind its arrival, in whichever order they come")
    func clocksAhead() throws {
        // The first upload named no time, so the run is as old as its arrival.
        let ahead = try make().adding(RunDelta(startedAt: Report.now + 9 * 3600))
        #expect(ahead.startedAt == Report.now)
        #expect(try ahead.adding(RunDelta(startedAt: Report.now - 60)).startedAt == Report.now - 60)
        #expect(try make().adding(RunDelta()).startedAt == nil)
    }

    @Test("a run ends once, not while cases wait, and takes uploads only if it is one")
    func refusals() throws {
        let run = make()
        let finished = try run.finished(at: Report.now)
        #expect(Report.fault { _ = try finished.finished(at: Report.now) }?.code == "runs.already_finished")
        #expect(Report.fault { _ = try finished.ended(early: .cancelled, at: Report.now) }?.code == "runs.already_finished")
        let suite = make(kind: .suite, state: .queued, counts: Counts(pending: 2))
        #expect(Report.fault { _ = try suite.finished(at: Report.now) }?.code == "runs.pending_cases")
        #expect(Report.fault { _ = try suite.adding(RunDelta()) }?.code == "runs.not_an_upload")
        #expect(try suite.started(at: Report.now).state == .running)
        #expect(Report.fault { _ = try suite.started(at: Report.now).started(at: Report.now) }?.code == "runs.already_started")
        #expect(try suite.ended(early: .cancelled, at: Report.now).state == .cancelled)
    }

    @Test("a duration never is negative, and grows while the run runs")
    func duration() throws {
        var run = make()
        #expect(run.duration(now: Report.now) == nil)
        run.startedAt = Report.now
        #expect(run.duration(now: Report.now + 1.5) == .milliseconds(1500))
        #expect(run.duration(now: Report.now - 1) == .zero)
        run.startedAt = Report.now + 60
        #expect(try run.finished(at: Report.now).duration(now: Report.now) == .zero)
    }

    @Test("a test's id depends on project, suite, class and name, and on nothing else")
    func identity() throws {
        let project = try ID<Project>("prj_00000000000000000000000001")
        let id = TestIdentity.id(project: project, suite: "s", className: "c", name: "n")
        // SHA-256 of the project's 16 bytes and "s␟c␟n", as any tool computes it.
        #expect(id == TestIdentity.id(project: project, suite: "s", className: "c", name: "n"))
        #expect(id.uuid.uuidString.dropFirst(14).first == "8")
        var ids = Set([id])
        for (suite, name, className) in [("s", "n", ""), ("", "n", "sc"), ("sc", "n", ""), ("s", "cn", ""), ("s", "", "cn")] {
            ids.insert(TestIdentity.id(project: project, suite: suite, className: className, name: name))
        }
        ids.insert(TestIdentity.id(project: .new(), suite: "s", className: "c", name: "n"))
        #expect(ids.count == 7)
        var identities = TestIdentities(project: project)
        for round in 0..<3 {
            _ = identities.id(suite: "x", className: "y", name: "\(round)")
            #expect(identities.id(suite: "s", className: "c", name: "n") == id)
        }
    }

    @Test("ids of an upload's results are in order and in one range")
    func resultIDs() {
        var random = SystemRandomNumberGenerator()
        var ids = ResultIDs(at: Report.now, using: &random)
        let made = (0..<5000).map { _ in ids.next() }
        #expect(made == made.sorted() && Set(made).count == 5000)
        #expect(made.first == ids.first && made.allSatisfy { $0 <= ids.last })
        #expect(abs(made[4999].time.timeIntervalSince(Report.now)) < 1)
    }

    @Test("shards with one key meet in one run, uploads without a key do not")
    func runIDs() throws {
        let project = ID<Project>.new()
        let keyed = try UploadDraft(project: project, ci: Run.CI(key: "build-7"))
        #expect(keyed.runID() == keyed.runID())
        #expect(try keyed.runID() != UploadDraft(project: .new(), ci: Run.CI(key: "build-7")).runID())
        let plain = try UploadDraft(project: project)
        #expect(plain.runID() != plain.runID())
    }

    @Test("each lane has runs of its own under one key, and the same report is another one in each")
    func lanes() throws {
        let project = ID<Project>.new()
        let ci = Run.CI(key: "build-7")
        let trusted = try UploadDraft(project: project, ci: ci)
        let untrusted = try UploadDraft(project: project, ci: ci, lane: .untrusted)
        #expect(trusted.runID() != untrusted.runID() && untrusted.runID() == untrusted.runID())
        #expect(untrusted.trustedTwin == trusted.runID() && trusted.trustedTwin == nil)
        #expect(try UploadDraft(project: project, lane: .untrusted).trustedTwin == nil)
        #expect(trusted.contentKey(files: []) != untrusted.contentKey(files: []))
    }

    @Test("what a client says about an upload is bounded")
    func drafts() {
        let project = ID<Project>.new()
        let long = String(repeating: "x", count: 5000)
        let faults = [
            Report.fault { _ = try UploadDraft(project: project, format: "csv") }, Report.fault { _ = try UploadDraft(project: project, name: long) },
            Report.fault { _ = try UploadDraft(project: project, ci: Run.CI(key: long)) },
            Report.fault { _ = try UploadDraft(project: project, branch: "a\0b") },
            Report.fault { _ = try UploadDraft(project: project, tags: ["": "x"]) },
            Report.fault { _ = try UploadDraft(project: project, tags: Dictionary(uniqueKeysWithValues: (0..<51).map { ("\($0)", "") })) },
        ]
        #expect(faults.map { $0?.code } == ["upload.format_unsupported"] + Array(repeating: "request.invalid", count: 5))
    }

    private func make(kind: Run.Kind = .upload, state: Run.State = .running, counts: Counts = Counts(passed: 1)) -> Run {
        Run(
            id: .new(), project: .new(), kind: kind, state: state, counts: counts, incomplete: false, suite: nil, name: "", branch: "", commit: "",
            environment: "", ci: .init(), tags: [:], triggeredBy: "key_x", createdAt: Report.now, startedAt: nil, finishedAt: nil,
            testMicroseconds: 5,
            version: 1)
    }
}
