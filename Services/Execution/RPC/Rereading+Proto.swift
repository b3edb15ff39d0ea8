import CommonAPI
import ExecutionAPI
import Primitives
import ServiceKit

extension PBRereading {
    init(_ rereading: Rereading, warnings: [Warning]) {
        self.init()
        same = Int64(rereading.same)
        changed = Int64(rereading.changed)
        added = Int64(rereading.added)
        removed = Int64(rereading.removed)
        differences = rereading.differences.map(PBReadingDifference.init)
        self.warnings = warnings.map(PBWarning.init)
    }
}

extension PBReadingDifference {
    init(_ difference: Rereading.Difference) {
        self.init()
        guard let found = difference.read ?? difference.stored else { return }
        test = found.test.description
        suiteName = found.suiteName
        className = found.className
        name = found.name
        if let stored = difference.stored { self.stored = PBReadCase(stored) }
        if let read = difference.read { self.read = PBReadCase(read) }
    }
}

extension PBReadCase {
    init(_ found: Rereading.Case) {
        self.init()
        outcome = PBOutcome.Value(found.outcome)
        if let microseconds = found.microseconds { durationUs = microseconds }
        attempt = Int32(found.attempt)
    }
}
