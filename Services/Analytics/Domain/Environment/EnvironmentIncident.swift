import Foundation
import Primitives

/// A host, a zone, an hour or a run to which failures of unrelated tests were put down, with the numbers that say so.
struct EnvironmentIncident: Identified, Sendable, Equatable {
    static let idPrefix = "inc"
    /// Of the method; raised when the same failures could give another answer.
    static let edition: Int32 = 1

    enum Kind: String, Sendable, CaseIterable { case host, zone, hour, run }

    enum State: String, Sendable, CaseIterable {
        /// Its failures count for no test.
        case standing
        /// A person has said that it was the tests: they have their failures back, for good.
        case dismissed
        /// What came later explains its failures otherwise.
        case withdrawn
    }

    /// What was counted; see `EnvironmentCause`.
    struct Evidence: Sendable, Equatable {
        var tests: Int
        var groups: Int
        var compared: Int
        var there: Int
        var expected: Double
        var chance: Double
        /// Of the runs and failures that were looked at: who has the same gets the same answer.
        var inputHash: UInt64
    }

    let id: ID<EnvironmentIncident>
    let project: ID<Project>
    let kind: Kind
    /// Name of the host or zone, beginning of the hour in UTC (`2026-03-01T14:00:00Z`), or id of the run.
    let place: String
    var state: State
    var evidence: Evidence
    /// Failing results that are put down to it.
    var failures: Int
    /// Starts of the first and the last run in which they failed.
    var from: Date
    var to: Date
    /// Who dismissed it, why and when.
    var dismissedBy = ""
    var dismissalReason = ""
    var dismissedAt: Date?

    /// For people, of a failure that is put down to it.
    var reason: String {
        "The newest in \(kind.rawValue) \(place), where \(evidence.tests) tests of \(evidence.groups) classes or suites failed together that did not "
            + "fail elsewhere on the same commit."
    }
}

/// Results of one run that were carried out in one place.
struct PlacedRun: Sendable, Equatable {
    struct Place: Hashable, Sendable {
        let run: ID<Run>
        let host: String
        let zone: String
    }

    let place: Place
    let commit: String
    /// When the run started.
    let startedAt: Date
    /// That passed or failed.
    let results: Int
}

/// A result that failed, and where.
struct PlacedFailure: Sendable, Equatable {
    let result: ID<Result>
    let test: ID<Test>
    let place: PlacedRun.Place
    /// `StableHash` of what its test is related by; 0 when it stands alone.
    let group: UInt64
    let branch: String
    let environment: String
    let commit: String
    let startedAt: Date
    let failedTries: Int
    /// To which it is put down.
    var incident: ID<EnvironmentIncident>?

    /// As its test's line was told of it.
    var observations: [TestObservation] {
        Fact(
            result: result, test: test, suiteName: "", className: "", name: "", outcome: .failed, duration: nil, failedTries: failedTries
        ).observations(at: startedAt, commit: commit)
    }
}
