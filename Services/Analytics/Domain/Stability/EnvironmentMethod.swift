/// How failures of the environment are told from those of the code.
package enum EnvironmentContrast: String, Sendable, CaseIterable {
    /// They did not happen elsewhere on the same commit.
    case sameCommit = "same_commit"
    /// Their tests passed elsewhere before and behind, on other commits: where a commit is run once.
    case otherCommits = "other_commits"

    var kinds: [EnvironmentCause.Place.Kind] {
        switch self {
        case .sameCommit: EnvironmentCause.Place.Kind.allCases
        // A run is of one commit, which may have broken what the next one mended.
        case .otherCommits: [.host, .hour, .zone]
        }
    }
}

/// What an edition of the search goes by: whatever could give another answer to the same runs and failures.
package struct EnvironmentMethod: Sendable {
    package let edition: Int32
    /// In the order in which they are asked.
    package let contrasts: [EnvironmentContrast]
    /// A failure tells of its place within a commit only if its test passed in another one on it (`CommitRuns`).
    package var asksForPasses = false
    /// Unrelated means: so many tests of so many groups.
    package var fewestTests = 5
    package var fewestGroups = 3
    /// Error over all places of a window.
    package var error = 0.01
    /// Odds of failing there against elsewhere, at least.
    package var leastOdds = 2.0

    var looksAtExecutions: Bool { asksForPasses || contrasts.contains(.otherCommits) }

    package static let second = EnvironmentMethod(edition: 2, contrasts: [.sameCommit])
    package static let third = EnvironmentMethod(edition: 3, contrasts: [.sameCommit, .otherCommits], asksForPasses: true)
    package static let current = third

    /// That one whose incidents are replayed; `nil` when this release no longer has it.
    package static func of(edition: Int32) -> EnvironmentMethod? { [second, third].first { $0.edition == edition } }
}
