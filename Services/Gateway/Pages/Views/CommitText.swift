/// A commit as pages show it: its beginning, with the whole for whoever points at it to copy it.
struct CommitText: Sendable, Equatable {
    let short: String
    let whole: String

    /// `nil` for an empty one.
    init?(_ commit: String) {
        guard !commit.isEmpty else { return nil }
        short = String(commit.prefix(10))
        whole = commit
    }
}
