import Foundation
import Primitives

/// What a person said last of one failure, as Validation tells it.
struct FailureVerdict: Sendable, Equatable {
    /// In one call.
    static let mostAtOnce = 2000
    /// For how long after it was said a failure is waited for that is not known here. Its fact comes within seconds, unless something is down, and no job
    /// that carries facts is tried for longer than three hours; what is not known by then is not kept any more.
    static let patience: TimeInterval = 4 * 3_600

    let result: ID<Result>
    /// `false`: it was something else, or what was said is taken back.
    let isEnvironment: Bool
    /// Raised by each word on the failure, so of two the higher one is the later.
    let version: Int64
    let decidedAt: Date
}

/// What people's words on failures take from tests, and give back. Each counts once, in whatever order and however often it comes.
struct FailureVerdictChanges: Sendable {
    /// A failure as it is kept.
    struct Known: Sendable {
        let failure: PlacedFailure
        /// Of what was heard of it last.
        let version: Int64
        /// To an incident that stands: then it counts for no test whatever is said of it.
        let isPutDown: Bool
    }

    /// What is news.
    private(set) var heard: [FailureVerdict] = []
    private(set) var excused: [PlacedFailure] = []
    private(set) var readmitted: [PlacedFailure] = []
    /// Those whose failures are not known.
    private(set) var unknown: [FailureVerdict] = []

    init(_ verdicts: [FailureVerdict], known: [Known]) {
        let kept = Dictionary(known.map { ($0.failure.result, $0) }, uniquingKeysWith: { first, _ in first })
        let latest = Dictionary(verdicts.map { ($0.result, $0) }, uniquingKeysWith: { $0.version < $1.version ? $1 : $0 })
        for verdict in latest.values.sorted(by: { $0.result < $1.result }) {
            guard let known = kept[verdict.result] else {
                unknown.append(verdict)
                continue
            }
            guard verdict.version > known.version else { continue }
            heard.append(verdict)
            guard verdict.isEnvironment != known.failure.isSaid, !known.isPutDown else { continue }
            if verdict.isEnvironment { excused.append(known.failure) } else { readmitted.append(known.failure) }
        }
    }
}
