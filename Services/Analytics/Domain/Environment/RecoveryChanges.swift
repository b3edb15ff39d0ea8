import Foundation
import Primitives

/// How long a test had failed when it passed again.
struct Recovery: Sendable, Hashable {
    /// When the run began in which it passed, milliseconds since the epoch.
    let at: Int64
    /// Milliseconds.
    let length: Int64
}

extension StabilityState {
    /// As far as they are remembered. A retry that passes within the run mends nothing.
    var recoveries: [Recovery] {
        let all = allStretches
        return zip(all, all.dropFirst()).compactMap { failing, passing in
            guard !failing.passed, passing.passed, passing.first > failing.first else { return nil }
            return Recovery(at: passing.first, length: passing.first - failing.first)
        }
    }
}

/// Recoveries that failures of an environment made up, or that come back with them: ingest counts each when the test passes again, mostly before anybody
/// knows of the environment.
struct RecoveryChanges: Sendable {
    /// Of branches, by day.
    private(set) var gone: [RollupKey: DurationHistogram] = [:]
    private(set) var come: [RollupKey: DurationHistogram] = [:]

    /// - Parameters:
    ///   - before: lines of one test.
    ///   - after: the same lines.
    mutating func add(before: [TestLine], after: [TestLine]) {
        for line in after where !line.branch.isEmpty {
            let old = before.first { $0.isSameLine(as: line) }?.state.recoveries ?? []
            let new = line.state.recoveries
            for recovery in Self.without(old, new) { gone[Self.key(line, recovery), default: DurationHistogram()].record(recovery.length * 1_000) }
            for recovery in Self.without(new, old) { come[Self.key(line, recovery), default: DurationHistogram()].record(recovery.length * 1_000) }
        }
    }

    var keys: [RollupKey] { Set(gone.keys).union(come.keys).sorted { ($0.value, $0.day) < ($1.value, $1.day) } }

    /// What a branch's day has afterwards.
    func applied(to known: DurationHistogram, of key: RollupKey) -> DurationHistogram {
        var known = known
        if let gone = gone[key] { known.subtract(gone) }
        if let come = come[key] { known.merge(come) }
        return known
    }

    private static func key(_ line: TestLine, _ recovery: Recovery) -> RollupKey {
        RollupKey(
            dimension: .branch, value: String(line.branch.prefix(RollupKey.mostCharacters)),
            day: Date(timeIntervalSince1970: Double(recovery.at) / 1_000).day)
    }

    /// Those of `all` that are not among `others`, each as often as it is there more.
    private static func without(_ all: [Recovery], _ others: [Recovery]) -> [Recovery] {
        var left = Dictionary(others.map { ($0, 1) }, uniquingKeysWith: +)
        return all.filter { recovery in
            guard let count = left[recovery], count > 0 else { return true }
            left[recovery] = count - 1
            return false
        }
    }
}
