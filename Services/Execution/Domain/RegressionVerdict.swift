import Foundation
import Primitives

/// What a person says of a test that fails and did not in the baseline.
///
/// It holds for the run on which it was said and for later ones of the same branch and environment against the same baseline, until the test passes
/// there: whoever says that a failure is meant speaks of this failure, not of all that the test will ever find. The next baseline asks anew as well.
struct RegressionVerdict: Sendable, Equatable {
    static let maxReason = 1000
    /// As a run's.
    static let maxCommit = 64

    /// The raw values are stored.
    enum Kind: String, Sendable, CaseIterable {
        case regression
        case noRegression = "no_regression"
        /// Of this failure: it fell by chance, or is the environment's. What the test is known for elsewhere stays as it is.
        case flake, environment

        var assessment: RegressionAssessment.Kind {
            switch self {
            case .regression: .regression
            case .noRegression: .noRegression
            case .flake: .flake
            case .environment: .environment
            }
        }

        /// Whether some commit is why it fails.
        var isChange: Bool { self == .regression || self == .noRegression }
    }

    /// What it is about: its words are counted together, and never held elsewhere.
    struct Line: Sendable, Equatable {
        let project: ID<Project>
        let baseline: ID<Baseline>
        /// Of the run.
        let branch: String
        let environment: String
    }

    let test: ID<TestIdentity>
    let run: ID<Run>
    /// When that run began.
    let from: Date
    /// `nil` for a word that was taken back.
    let kind: Kind?
    let reason: String
    /// Why it fails, whatever is suspected; empty where nobody says so.
    let commit: String
    let decidedBy: String
    let decidedAt: Date
    /// Within its line, from 2: 1 is that nobody has said anything.
    let version: Int64

    /// Of all that was said of a test on runs up to this one, what holds in it: the latest that no pass lies behind; `nil` when that is none.
    /// - Parameters:
    ///   - words: in any order, on runs that began later among them.
    ///   - lastPass: when the run began in which the test passed last, before this one or in it.
    static func holding(_ words: [RegressionVerdict], in run: Run, lastPass: Date?) -> RegressionVerdict? {
        let began = run.startedAt ?? run.createdAt
        let reaching = words.filter { word in
            word.run == run.id || word.from <= began && (lastPass.map { $0 <= word.from } ?? true)
        }
        // What was said under two ids of one test was counted apart.
        guard let latest = reaching.max(by: { ($0.decidedAt, $0.version) < ($1.decidedAt, $1.version) }), latest.kind != nil else { return nil }
        return latest
    }
}

/// What people have said of a test on one line.
struct RegressionWords: Sendable {
    /// What holds in a run.
    var holding: RegressionVerdict?
    /// Of the latest word, whether or not that holds in the run: what a change has to name.
    var version: Int64 = 1
}

/// A test that fails and did not, with what it is believed to be and what a person says.
struct AssessedRegression: Sendable {
    let test: ID<TestIdentity>
    let evidence: FailureEvidence?
    let machine: RegressionAssessment
    let words: RegressionWords

    var holding: RegressionAssessment.Kind { words.holding?.kind?.assessment ?? machine.kind }
}
