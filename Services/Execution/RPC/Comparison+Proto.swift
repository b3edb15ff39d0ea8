import CommonAPI
import ExecutionAPI
import Primitives
import ServiceKit

extension PBTestDifference {
    init(_ difference: TestDifference) {
        self.init()
        kind = PBTestDifference.Kind(difference.kind)
        test = difference.test.description
        suiteName = difference.suiteName
        className = difference.className
        name = difference.name
        if let side = difference.base { base = PBComparedResult(side) }
        if let side = difference.run { run = PBComparedResult(side) }
    }
}

extension PBComparedResult {
    init(_ side: TestDifference.Side) {
        self.init()
        result = side.result.description
        outcome = PBOutcome.Value(side.outcome)
        if let microseconds = side.microseconds { durationUs = microseconds }
    }
}

extension PBComparisonSummary {
    init(_ counts: ComparisonCounts) {
        self.init()
        func count(_ kind: TestDifference.Kind) -> Int64 { Int64(counts.differences[kind] ?? 0) }
        newFailures = count(.newFailure)
        stillFailing = count(.stillFailing)
        fixed = count(.fixed)
        added = count(.added)
        removed = count(.removed)
        slower = count(.slower)
        unchanged = Int64(counts.unchanged)
    }
}

extension PBTestDifference.Kind {
    init(_ kind: TestDifference.Kind) {
        switch kind {
        case .newFailure: self = .newFailure
        case .stillFailing: self = .stillFailing
        case .fixed: self = .fixed
        case .added: self = .added
        case .removed: self = .removed
        case .slower: self = .slower
        }
    }
}

extension TestDifference.Kind {
    init(_ message: PBTestDifference.Kind, field: String) throws(Fault) {
        switch message {
        case .newFailure: self = .newFailure
        case .stillFailing: self = .stillFailing
        case .fixed: self = .fixed
        case .added: self = .added
        case .removed: self = .removed
        case .slower: self = .slower
        case .unspecified, .UNRECOGNIZED: throw .invalidField(field, "unknown", "The kind of difference is unknown.")
        }
    }
}
