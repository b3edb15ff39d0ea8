import Foundation
import Primitives

/// Tests by runs: how each test ended in each of the latest runs of all of them.
struct TestGrid: Sendable {
    static let maxRuns = 50
    static let maxTests = 100

    struct Column: Sendable, Equatable {
        let run: ID<Run>
        let startedAt: Date
        let branch: String
        let commit: String
    }

    struct Cell: Sendable, Equatable {
        /// Index of its column.
        let column: Int
        let result: ID<Result>
        let outcome: Outcome
        /// Microseconds.
        let duration: Int64?
    }

    /// Newest first.
    let columns: [Column]
    /// Newest first, of each test.
    let cells: [ID<Test>: [Cell]]

    /// - Parameter executions: of each test its newest ones, newest first; at least `runs` of them where there are so many, so that no run that belongs
    ///   into the grid is missing. A test that ran several times in a run is shown by its worst end, because that is what somebody must look at.
    init(executions: [ID<Test>: [Execution]], runs: Int) {
        var known: [ID<Run>: Column] = [:]
        for execution in executions.values.joined() where known[execution.run] == nil {
            known[execution.run] = Column(run: execution.run, startedAt: execution.executedAt, branch: execution.branch, commit: execution.commit)
        }
        let newest = known.values.sorted { ($0.startedAt, $0.run.uuid.uuidString) > ($1.startedAt, $1.run.uuid.uuidString) }.prefix(runs)
        let columns = Array(newest)
        let places = Dictionary(uniqueKeysWithValues: columns.enumerated().map { ($1.run, $0) })
        self.columns = columns
        cells = executions.mapValues { executions in
            var cells: [Int: Cell] = [:]
            for execution in executions {
                guard let place = places[execution.run] else { continue }
                let cell = Cell(column: place, result: execution.result, outcome: execution.outcome, duration: execution.duration)
                if let other = cells[place], other.outcome.weight >= cell.outcome.weight { continue }
                cells[place] = cell
            }
            return cells.values.sorted { $0.column < $1.column }
        }
    }
}

extension Outcome {
    /// The more there is to look at, the more.
    fileprivate var weight: Int {
        switch self {
        case .skipped: 0
        case .passed: 1
        case .failed: 2
        case .errored: 3
        }
    }
}
