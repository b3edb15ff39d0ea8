import AnalyticsAPI
import Foundation
import ServiceKit
import SwiftProtobuf

extension PBStability {
    init(_ stability: Stability) {
        self.init()
        kind =
            switch stability.kind {
            case .stable: .stable
            case .flaky: .flaky
            case .broken: .broken
            case .regressed: .regressed
            case .environment: .environment
            case .unknown: .unknown
            }
        confidence = stability.confidence
        flakyChance = stability.flakyChance
    }
}

extension PBTestLine {
    init(_ line: TestLine) {
        self.init()
        branch = line.branch
        environment = line.environment
        results = line.results
        lastAt = .init(milliseconds: line.lastAt)
    }
}

extension PBStabilityReason {
    init(_ reason: StabilityReason) {
        self.init()
        detail = reason.description
        switch reason {
        case .bothOutcomesOnOneCommit(let commits): (kind, count) = (.bothOutcomesOnOneCommit, Int64(commits))
        case .retryPassed(let times): (kind, count) = (.retryPassed, Int64(times))
        case .failedBetweenPasses(let times): (kind, count) = (.failedBetweenPasses, Int64(times))
        case .failureRate(let lower, let upper):
            kind = .failureRate
            self.lower = lower
            self.upper = upper
        case .alikeMessages(let pairs, let all): (kind, count, of) = (.alikeMessages, Int64(pairs), Int64(all))
        case .failsSince(let first, _, let results, _):
            (kind, count) = (.failsSince, Int64(results))
            since = .init(milliseconds: first)
        case .passesSince(let first, _, let results):
            (kind, count) = (.passesSince, Int64(results))
            since = .init(milliseconds: first)
        case .neverPassed(let results): (kind, count) = (.neverPassed, Int64(results))
        case .neverFailed(let results): (kind, count) = (.neverFailed, Int64(results))
        case .environmentFailures(let failures): (kind, count) = (.environmentFailures, Int64(failures))
        case .tooFewResults(let results): (kind, count) = (.tooFewResults, Int64(results))
        case .nothingPassedSince(let results): (kind, count) = (.nothingPassedSince, Int64(results))
        case .flakyBefore: kind = .flakyBefore
        }
    }
}

extension Google_Protobuf_Timestamp {
    /// Since the epoch.
    init(milliseconds: Int64) {
        self.init(seconds: Int64((Double(milliseconds) / 1000).rounded(.down)), nanos: Int32(((milliseconds % 1000) + 1000) % 1000) * 1_000_000)
    }

    var milliseconds: Int64 { seconds * 1000 + Int64(nanos) / 1_000_000 }
}
