/// A test on one commit, by whatever names both: it runs the same code wherever it is run, so its failures there are looked at together.
struct TestOfCommit<TestID: Hashable & Sendable, CommitID: Hashable & Sendable>: Hashable, Sendable {
    let test: TestID
    let commit: CommitID
}
