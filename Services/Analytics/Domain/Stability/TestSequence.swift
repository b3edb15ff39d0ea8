/// How one test ended in run after run of the window, on all its branches and in all its environments.
struct TestSequence {
    /// All that a run said of it.
    struct Step {
        let run: UInt64
        let commit: UInt64
        let branch: UInt64
        let environment: UInt64
        fileprivate(set) var passed: Bool
        /// Places of the next ones on the same branch in the same environment.
        fileprivate(set) var before: Int?
        fileprivate(set) var behind: Int?
    }

    /// In the order of time.
    private(set) var steps: [Step] = []
    /// Places in `steps`, by run.
    private(set) var places: [UInt64: Int] = [:]
    /// Places in `steps`, by commit.
    private(set) var commits: [UInt64: [Int]] = [:]

    private struct Line: Hashable {
        let branch: UInt64
        let environment: UInt64
    }

    fileprivate init(_ executions: [EnvironmentWindow.Execution]) {
        for execution in executions.sorted(by: { ($0.at, $0.run) < ($1.at, $1.run) }) {
            // One that a run has twice has failed in it when one of them has.
            if let known = places[execution.run] {
                if !execution.passed { steps[known].passed = false }
                continue
            }
            places[execution.run] = steps.endIndex
            commits[execution.commit, default: []].append(steps.endIndex)
            steps.append(
                Step(
                    run: execution.run, commit: execution.commit, branch: execution.branch, environment: execution.environment,
                    passed: execution.passed))
        }
        var last: [Line: Int] = [:]
        for index in steps.indices {
            let line = Line(branch: steps[index].branch, environment: steps[index].environment)
            if let before = last[line] {
                steps[index].before = before
                steps[before].behind = index
            }
            last[line] = index
        }
    }

    /// Of all tests that something is known of.
    static func all(_ executions: [EnvironmentWindow.Execution]) -> [UInt64: TestSequence] {
        Dictionary(grouping: executions, by: \.test).mapValues(TestSequence.init)
    }
}
