import AnalyticsAPI
import CommonAPI
import Foundation
import Primitives
import ServiceKit
import SwiftProtobuf

extension PBTrendPoint {
    /// - Parameters:
    ///   - dimension: `all` for the whole project, of which runs and flips are counted as well.
    ///   - isOver: whether its period is.
    init(_ value: Day, of dimension: TrendDimension, isOver: Bool) {
        self.init()
        day = value.day
        if dimension == .all {
            runs = value.runs
            runsPassed = value.runsPassed
            flips = value.flips
        }
        counts = PBCounts(value.tally)
        if let rate = value.tally.passRate { passRate = rate }
        if value.untagged == 0 { environmental = value.environmental }
        testDurationMs = value.duration / 1000
        if let percentiles = PBDurationPercentiles(value.durations) { durations = percentiles }
        complete = isOver
    }
}

extension [PBTrendPoint] {
    /// - Parameter points: periods in their order, the last of which is under way.
    init(_ points: [ComparedPeriod], of dimension: TrendDimension) {
        self = points.enumerated().map { index, point in
            var message = PBTrendPoint(point.period, of: dimension, isOver: index < points.count - 1)
            if let previous = point.previous { message.previous = PBTrendSums(previous, of: dimension) }
            if let earlier = point.earlier { message.earlier = PBTrendSums(earlier, of: dimension) }
            return message
        }
    }
}

extension PBTrendSums {
    /// - Parameter dimension: `all` for the whole project, of which runs are counted as well.
    fileprivate init(_ value: Day, of dimension: TrendDimension) {
        self.init()
        day = value.day
        counts = PBCounts(value.tally)
        if let rate = value.tally.passRate { passRate = rate }
        testDurationMs = value.duration / 1000
        if dimension == .all {
            runs = value.runs
            runsPassed = value.runsPassed
        }
    }
}

extension PBDurationPercentiles {
    /// `nil` when no duration is known.
    init?(_ histogram: DurationHistogram) {
        guard let p50 = histogram.percentile(50), let p90 = histogram.percentile(90), let p95 = histogram.percentile(95),
            let p99 = histogram.percentile(99), let longest = histogram.maximum
        else { return nil }
        self.init()
        p50Us = p50
        p90Us = p90
        p95Us = p95
        p99Us = p99
        maxUs = longest
        count = Int64(clamping: histogram.count)
    }
}

extension PBTrendValue {
    init(_ value: TrendValue) {
        self.init()
        self.value = value.value
        counts = PBCounts(value.tally)
        if let rate = value.tally.passRate { passRate = rate }
        testDurationMs = value.duration / 1000
    }
}

extension PBTrendChange {
    /// - Parameter kept: which of those that are kept it is.
    init(_ change: TrendChange, causes: [TrendCause], commits: [SeenCommit], kept: LevelChange?) {
        self.init()
        figure = change.figure.message
        day = change.day
        before = change.before
        after = change.after
        self.causes = causes.map { cause in
            .with {
                $0.dimension = cause.dimension.message
                $0.value = cause.value
                $0.share = cause.share
                $0.resultsShare = cause.weight
            }
        }
        self.commits = commits.map { commit in
            .with {
                $0.commitSha = commit.key.commit
                $0.branch = commit.key.branch
                $0.firstSeenAt = .init(milliseconds: commit.firstAt)
            }
        }
        if let kept {
            levelChange = kept.id.description
            verdict = PBLevelChangeVerdict(kept.verdict)
        }
    }
}

extension TrendValueOrder {
    /// - Throws: `request.invalid` at `sort`.
    init(_ message: PBTrendValueSort.Value) throws(Fault) {
        switch message {
        case .trendValueSortUnspecified, .failures: self = .failures
        case .id: self = .value
        case .UNRECOGNIZED: throw .invalidField("sort", "unknown", "sort must be FAILURES or ID.")
        }
    }
}

extension TrendDimension {
    /// Of what sums are kept by.
    /// - Throws: `request.invalid` for a single test, and what this release does not know.
    init(_ message: PBTrendDimension.Value) throws(Fault) {
        guard message != .test else { throw .invalidField("dimension", "unexpected", "How a test goes is told by its id: /tests/{test}/trend.") }
        try self.init(keptBy: message)
    }

    /// Of what changes are kept by.
    /// - Throws: `request.invalid` for what this release does not know.
    init(keptBy message: PBTrendDimension.Value) throws(Fault) {
        switch message {
        case .dimensionUnspecified: self = .all
        case .suite: self = .suite
        case .branch: self = .branch
        case .environment: self = .environment
        case .tag: self = .tag
        case .test: self = .test
        case .UNRECOGNIZED: throw .invalidField("dimension", "unknown", "The dimension is unknown.")
        }
    }

    var message: PBTrendDimension.Value {
        switch self {
        case .all: .dimensionUnspecified
        case .suite: .suite
        case .branch: .branch
        case .environment: .environment
        case .tag: .tag
        case .test: .test
        }
    }
}

extension TrendPeriod {
    /// - Throws: `request.invalid` for what this release does not know.
    init(_ message: PBTrendPeriod.Value) throws(Fault) {
        switch message {
        case .periodUnspecified, .day: self = .day
        case .week: self = .week
        case .month: self = .month
        case .quarter: self = .quarter
        case .UNRECOGNIZED: throw .invalidField("period", "unknown", "The period is unknown.")
        }
    }
}
