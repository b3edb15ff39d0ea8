import Primitives

/// All that decides whether the failures of a run are a reason to stop a build. Kept as JSON: a member that is added must be optional.
struct ExcuseQuestion: Codable, Equatable, Sendable {
    /// Tests that are named: as many as can be quarantined, and of the others some, which tell why a run was not excused.
    static let mostQuarantined = 1_000
    static let mostOthers = 100
    /// Unicode scalars that are kept of each name; names decide nothing.
    static let mostName = 200

    /// A test that has passed in no later try, by identity: several results of one test are one.
    struct Test: Codable, Equatable, Sendable {
        let test: ID<TestIdentity>
        let result: ID<TestResult>
        let suite: String
        let className: String
        let name: String
        let outcome: Outcome
        let isQuarantined: Bool
        /// By which; `nil` also where Analytics did not say.
        let entry: QuarantineEntry?
    }

    let state: Run.State
    let isIncomplete: Bool
    /// Results that were still to come.
    let pending: Int
    /// Tests that fail, and those that failed and passed when they were tried again.
    let failing: Int
    let passedAgain: Int
    /// Those that are quarantined by id, then the first of the others by id.
    let tests: [Test]

    init(state: Run.State, isIncomplete: Bool, pending: Int, failing: Int, passedAgain: Int, tests: [Test]) {
        self.state = state
        self.isIncomplete = isIncomplete
        self.pending = pending
        self.failing = failing
        self.passedAgain = passedAgain
        self.tests = tests
    }

    init(_ run: Run, failing: Int = 0, passedAgain: Int = 0, tests: [Test] = []) {
        self.init(
            state: run.state, isIncomplete: run.incomplete, pending: run.counts.pending, failing: failing, passedAgain: passedAgain, tests: tests)
    }

    /// With names as they are kept.
    var cut: ExcuseQuestion {
        ExcuseQuestion(
            state: state, isIncomplete: isIncomplete, pending: pending, failing: failing, passedAgain: passedAgain,
            tests: tests.map { test in
                Test(
                    test: test.test, result: test.result, suite: Self.cut(test.suite), className: Self.cut(test.className),
                    name: Self.cut(test.name), outcome: test.outcome, isQuarantined: test.isQuarantined, entry: test.entry)
            })
    }

    private static func cut(_ name: String) -> String { String(String.UnicodeScalarView(name.unicodeScalars.prefix(mostName))) }
}
