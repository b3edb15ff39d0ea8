import Foundation
import Primitives

/// One execution of tests: by a CI that uploaded its reports, or by Assay's own workers.
///
/// `Run+States.swift` holds what may become of it. Every change raises `version`, which names the run's events.
struct Run: Identified, Equatable, Sendable {
    static let idPrefix = "run"

    /// The raw values are stored.
    enum State: String, Codable, Sendable, CaseIterable {
        case queued, running, passed, failed, error, cancelled
        case timedOut = "timed_out"

        var isFinal: Bool { self != .queued && self != .running }
    }

    /// The raw values are stored.
    enum Kind: String, Sendable, CaseIterable { case upload, suite }

    /// What the CI said about itself. Uploads of one project with the same `key` join one run. Stored as JSON.
    struct CI: Codable, Equatable, Sendable {
        var name = ""
        var key = ""
        var number = ""
        var url = ""
        var jobID = ""
        var message = ""
    }

    let id: ID<Run>
    let project: ID<Project>
    let kind: Kind
    var state: State
    var counts: Counts
    /// A report was cut off or refused in part: the counts are a lower bound.
    var incomplete: Bool
    /// Of runs of kind suite.
    let suite: ID<Suite>?
    let name: String
    let branch: String
    let commit: String
    let environment: String
    let ci: CI
    let tags: [String: String]
    /// The actor who asked for it: `key_…`, `sch_…`.
    let triggeredBy: String
    /// Of an import when it began, so that it stands among the runs of its time.
    let createdAt: Date
    var startedAt: Date?
    var finishedAt: Date?
    /// Sum of the tests' own durations in microseconds.
    var testMicroseconds: Int64
    var version: Int64
    /// Of the upload that made it, for good: what is not trusted never joins what is.
    var lane = Lane.trusted
    /// When it was taken over from another system; `nil` for what came as it happened.
    var importedAt: Date?

    /// From start to finish, while running to `now`; `nil` before the start.
    func duration(now: Date) -> Duration? {
        guard let startedAt else { return nil }
        return .milliseconds(Int64(max(0, (finishedAt ?? now).timeIntervalSince(startedAt) * 1000)))
    }
}

/// What one upload, or one executed case, adds to a run.
struct RunDelta: Equatable, Sendable {
    var counts = Counts()
    var testMicroseconds: Int64 = 0
    var incomplete = false
    /// The earliest moment that a report names, which may lie ahead.
    var startedAt: Date?
}
