import Primitives

/// One test that is not the same in two runs. Tests are matched by identity; of several results of one test in a run the heaviest counts, but for
/// failures that a later try of the build has answered.
struct TestDifference: Equatable, Sendable {
    /// In the order in which they matter. The raw values sort a comparison and are part of its cursors.
    enum Kind: Int16, CaseIterable, Sendable {
        /// Fails now; passed, was skipped or did not exist before.
        case newFailure = 1
        /// Failed before and fails now.
        case stillFailing = 2
        /// Failed before; passed or was skipped now.
        case fixed = 3
        /// Did not exist before, and does not fail.
        case added = 4
        case removed = 5
        /// Passed in both, and took `SlowerRule` longer.
        case slower = 6
    }

    let kind: Kind
    let test: ID<TestIdentity>
    let suiteName: String
    let className: String
    let name: String
    /// `nil` where the run does not have the test.
    let base: Side?
    let run: Side?

    struct Side: Equatable, Sendable {
        let result: ID<TestResult>
        let outcome: Outcome
        /// Sum over the test's results in the run.
        let microseconds: Int64?
    }
}

/// When a test that passed in both runs is slower: by half, and by a tenth of a second, below which machines differ by themselves.
enum SlowerRule {
    static let factor = 1.5
    static let microseconds: Int64 = 100_000
}

/// How many tests differ in which way, and how many do not.
struct ComparisonCounts: Equatable, Sendable {
    var differences: [TestDifference.Kind: Int] = [:]
    var unchanged = 0
}

/// Where a page of a comparison ended: `<kind>.<test>`.
struct ComparisonCursor: Equatable, Sendable {
    let kind: Int16
    let test: ID<TestIdentity>

    init(_ difference: TestDifference) {
        kind = difference.kind.rawValue
        test = difference.test
    }

    /// - Throws: `page.invalid_cursor`.
    init(_ text: String) throws(Fault) {
        let parts = text.split(separator: ".", maxSplits: 1)
        guard parts.count == 2, let kind = Int16(parts[0]), let test = try? ID<TestIdentity>(String(parts[1])) else { throw .invalidCursor }
        self.kind = kind
        self.test = test
    }

    var text: String { "\(kind).\(test)" }
}
