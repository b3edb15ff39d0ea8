/// How many tests ended how. Also used as a difference, whose numbers may be negative.
struct Counts: Equatable, Sendable {
    var passed = 0
    var failed = 0
    var errored = 0
    var skipped = 0
    /// Queued or running.
    var pending = 0

    var total: Int { passed + failed + errored + skipped + pending }

    mutating func count(_ outcome: Outcome) {
        switch outcome {
        case .passed: passed += 1
        case .failed: failed += 1
        case .errored: errored += 1
        case .skipped: skipped += 1
        }
    }

    subscript(outcome: Outcome) -> Int {
        switch outcome {
        case .passed: passed
        case .failed: failed
        case .errored: errored
        case .skipped: skipped
        }
    }

    static func + (left: Counts, right: Counts) -> Counts {
        Counts(
            passed: left.passed + right.passed, failed: left.failed + right.failed, errored: left.errored + right.errored,
            skipped: left.skipped + right.skipped, pending: left.pending + right.pending)
    }
}
