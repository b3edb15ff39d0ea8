import Foundation
import Primitives

/// A host, a zone, an hour or a run to which failures of unrelated tests were put down, with the numbers that say so or the person who did.
struct EnvironmentIncident: Identified, Sendable, Equatable {
    static let idPrefix = "inc"
    /// Of the method; raised when the same failures could give another answer.
    static let edition = EnvironmentMethod.current.edition

    enum Kind: String, Sendable, CaseIterable { case host, zone, hour, run }

    enum State: String, Sendable, CaseIterable {
        /// Its failures count for no test.
        case standing
        /// A person has said that it was the tests: they have their failures back, until a person says otherwise.
        case dismissed
        /// What came later explains its failures otherwise.
        case withdrawn
    }

    /// What was counted, and when; see `PlaceNumbers`.
    struct Evidence: Sendable, Equatable {
        /// By which it was found; failures that the other explains are put down to it as well.
        var contrast = EnvironmentContrast.sameCommit
        var tests: Int
        var groups: Int
        var compared: Int
        var there: Int
        var expected: Double
        var chance: Double
        /// `nil` in the first edition, which did not keep it; so are the hash of the numbers and the moment.
        var tried: Int?
        /// Of the runs and failures that were looked at: who has the same gets the same answer.
        var inputHash: UInt64
        var edition: Int32
        /// Of all the numbers, in the moment of the finding.
        var numbersHash: UInt64?
        /// When runs and failures were looked at.
        var lookedAt: Date?
    }

    let id: ID<EnvironmentIncident>
    let project: ID<Project>
    let kind: Kind
    /// Name of the host or zone, beginning of the hour in UTC (`2026-03-01T14:00:00Z`), or id of the run.
    let place: String
    var state: State
    var evidence: Evidence
    /// Results that are put down to it: failing ones, and such as passed on a further try only.
    var failures: Int
    /// Starts of the first and the last run in which they failed.
    var from: Date
    var to: Date
    /// Who dismissed it, why and when; of one that is dismissed.
    var dismissedBy = ""
    var dismissalReason = ""
    var dismissedAt: Date?
    /// Who said last that it was the environment, and when, whether or not it had been found; empty and `nil` where nobody did.
    var declaredBy = ""
    var declaredAt: Date?
    /// A person has declared or reinstated it: its failures stay with it, whatever is found later.
    var isUpheld = false
    /// Raised by each word of a person: what was found before it is not written down after it.
    var version: Int64 = 1

    /// Whether it rests on numbers. If not, on a person's word alone.
    var isFound: Bool { evidence.edition > 0 }

    /// For people, of a failure that is put down to it.
    var reason: String {
        guard isFound else { return "The newest in \(kind.rawValue) \(place), of which a person said that it was the environment." }
        let tests = "\(evidence.tests) tests of \(evidence.groups) classes or suites"
        let found = "The newest in \(kind.rawValue) \(place), where \(tests) failed together"
        return switch evidence.contrast {
        case .sameCommit: "\(found) that did not fail elsewhere on the same commit."
        case .otherCommits: "\(found) on \(evidence.there) commits that passed elsewhere, on other commits, before and after each."
        }
    }
}

/// The order of a list of incidents.
enum IncidentOrder: Sendable {
    /// The newest last failure first. What fails, and what is found of it, moves incidents in it.
    case lastFailure
    /// By id: nothing moves, so all pages together have each incident once.
    case id
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
    /// Before the last failed one.
    let failedTries: Int
    /// A further try within the run passed: only the failed ones are the environment's, and sums count the result as passed.
    var passed = false
    /// To which it is put down.
    var incident: ID<EnvironmentIncident>?
    /// A person said of this failure that it was the environment: it counts for no test, put down to an incident or not.
    var isSaid = false

    /// As its test's line was told of it: the failed tries.
    var observations: [TestObservation] {
        Fact(
            result: result, test: test, suiteName: "", className: "", name: "", outcome: .failed, duration: nil, failedTries: failedTries
        ).observations(at: startedAt, commit: commit)
    }
}

/// How a test that failed in some run ended in one.
struct PlacedExecution: Sendable, Equatable {
    let result: ID<Result>
    let test: ID<Test>
    let run: ID<Run>
    let branch: String
    let environment: String
    let commit: String
    let startedAt: Date
    /// At its first try.
    let passed: Bool
}

extension EnvironmentIncident {
    /// Of a place that a person named and nobody has found; its failures are yet to come.
    init(declaring declaration: EnvironmentDeclaration, in project: ID<Project>) {
        self.init(
            id: .new(), project: project, kind: declaration.place.kind, place: declaration.place.name, state: .standing, evidence: .uncounted,
            failures: 0, from: declaration.from, to: declaration.to)
    }
}

extension EnvironmentIncident.Evidence {
    /// Nothing was counted: editions begin with 1.
    static let uncounted = Self(tests: 0, groups: 0, compared: 0, there: 0, expected: 0, chance: 1, inputHash: 0, edition: 0)

    init(_ cause: EnvironmentCause, by method: EnvironmentMethod = .current, inputHash: UInt64, lookedAt: Date?) {
        let numbers = cause.numbers
        self.init(
            contrast: numbers.contrast, tests: numbers.tests, groups: numbers.groups, compared: numbers.compared, there: numbers.there,
            expected: numbers.expected, chance: numbers.chance, tried: numbers.tried, inputHash: inputHash, edition: method.edition,
            lookedAt: lookedAt)
        numbersHash = workedOutHash
    }

    /// Nothing found.
    static func nothing(by method: EnvironmentMethod, inputHash: UInt64) -> Self {
        Self(tests: 0, groups: 0, compared: 0, there: 0, expected: 0, chance: 1, inputHash: inputHash, edition: method.edition)
    }

    /// What decides; `nil` in the first edition.
    var numbers: PlaceNumbers? {
        tried.map {
            PlaceNumbers(contrast: contrast, tests: tests, groups: groups, compared: compared, there: there, expected: expected, tried: $0)
        }
    }

    /// Doubles are written so that they are read as the same.
    var workedOutHash: UInt64 {
        // The first two editions had one contrast.
        let contrast = contrast == .sameCommit ? "" : " \(contrast.rawValue)"
        return StableHash.of("\(edition) \(tests) \(groups) \(compared) \(there) \(expected) \(chance) \(tried ?? 0) \(inputHash)\(contrast)")
    }
}
