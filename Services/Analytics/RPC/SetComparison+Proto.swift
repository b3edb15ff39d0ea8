import AnalyticsAPI
import CommonAPI
import Foundation
import Primitives
import ServiceKit
import SwiftProtobuf

extension PBSetDifference {
    /// - Parameter name: `nil` for a test that has not run since it was parted from another.
    init(_ row: SetComparison.Row, name known: Test?) {
        self.init()
        kinds = SetComparison.Kind.allCases.filter(row.kinds.contains).map(\.message)
        test = row.test.description
        suiteName = known?.suiteName ?? ""
        className = known?.className ?? ""
        name = known?.name ?? ""
        if let results = row.base { base = PBSetResults(results) }
        if let results = row.other { set = PBSetResults(results) }
        if let effect = row.failureEffect { failure = PBSetEffect(effect, row.failure) }
        if let effect = row.durationEffect { duration = PBSetEffect(effect, row.duration) }
    }
}

extension SetComparison.Kind {
    var message: PBSetDifference.Kind {
        switch self {
        case .failsMore: .failsMore
        case .failsLess: .failsLess
        case .slower: .slower
        case .faster: .faster
        case .added: .added
        case .removed: .removed
        case .alike: .alike
        }
    }
}

extension PBSetResults {
    init(_ sums: TestSums) {
        self.init()
        passed = sums.passed
        failed = sums.failed
        skipped = sums.skipped
        if let rate = sums.failureRate { failureRate = rate }
        if let typical = sums.typicalDuration { typicalDurationUs = typical }
        timed = sums.timed
    }
}

extension PBSetEffect {
    init(_ effect: Effect, _ sureness: (chance: Double, share: Double)?) {
        self.init()
        self.effect = effect.size
        low = effect.low
        high = effect.high
        guard let sureness else { return }
        chance = sureness.chance
        falseShare = sureness.share
    }
}

extension PBPairedEffect {
    /// `nil` for fewer than two tests.
    /// - Parameter scale: of logarithms, what makes factors of them again.
    init?(_ differences: PairedDifferences, scale: (Double) -> Double = { $0 }) {
        guard let known = differences.effect else { return nil }
        self.init()
        effect = scale(known.size)
        low = scale(known.low)
        high = scale(known.high)
        tests = Int64(differences.count)
    }
}

extension PBSetComparisonSummary {
    init(_ comparison: SetComparison, weeks: WeekRange, baseWeeks: WeekRange) {
        self.init()
        firstWeek = weeks.weeks.first ?? ""
        lastWeek = weeks.weeks.last ?? ""
        baseFirstWeek = baseWeeks.weeks.first ?? ""
        baseLastWeek = baseWeeks.weeks.last ?? ""
        paired = Int64(comparison.paired)
        failsMore = Int64(comparison.count(.failsMore))
        failsLess = Int64(comparison.count(.failsLess))
        slower = Int64(comparison.count(.slower))
        faster = Int64(comparison.count(.faster))
        added = Int64(comparison.count(.added))
        removed = Int64(comparison.count(.removed))
        alike = Int64(comparison.count(.alike))
        if let effect = PBPairedEffect(comparison.failure) { failure = effect }
        if let effect = PBPairedEffect(comparison.duration, scale: { exp($0) }) { duration = effect }
    }
}
