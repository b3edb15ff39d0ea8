import AnalyticsAPI
import Foundation
import Primitives
import ServiceKit
import SwiftProtobuf

extension PBStability {
    /// - Parameter verdict: a person's, which holds.
    init(_ stability: Stability?, _ verdict: TestVerdict? = nil) {
        self.init()
        let judged = (stability?.kind ?? .unknown).message
        kind = verdict?.kind?.message ?? judged
        if verdict?.kind != nil { judgedKind = judged }
        confidence = stability?.confidence ?? 0
        flakyChance = stability?.flakyChance ?? 0
    }
}

extension StabilityVerdict.Kind {
    fileprivate var message: PBStability.Kind {
        switch self {
        case .stable: .stable
        case .flaky: .flaky
        case .broken: .broken
        case .regressed: .regressed
        case .environment: .environment
        case .unknown: .unknown
        }
    }

    /// - Throws: `request.invalid` at `kind`.
    init(known message: PBStability.Kind) throws(Fault) {
        guard let kind = Self.allCases.first(where: { $0.message == message }) else {
            throw .invalidField("kind", "unknown", "kind must be STABLE, FLAKY, BROKEN, REGRESSED, ENVIRONMENT or UNKNOWN.")
        }
        self = kind
    }

    /// - Throws: `request.invalid` at `/kind`: nothing that a person may say.
    init(said message: PBStability.Kind) throws(Fault) {
        guard let kind = TestVerdict.kinds.first(where: { $0.message == message }) else {
            throw .invalidField("/kind", "unknown", "kind must be STABLE, FLAKY, BROKEN, REGRESSED or ENVIRONMENT.")
        }
        self = kind
    }
}

extension PBTestVerdict {
    init(_ verdict: TestVerdict) {
        self.init()
        test = verdict.test.description
        if let kind = verdict.kind { self.kind = kind.message }
        reason = verdict.reason
        decidedBy = verdict.decidedBy
        if let decided = verdict.decidedAt { decidedAt = .init(milliseconds: decided) }
        version = verdict.version
    }
}

extension PBStabilityReceipt {
    init(_ receipt: StabilityReceipt) {
        self.init()
        stability = PBStability(receipt.stability)
        model = receipt.model
        inputHash = Self.text(receipt.inputHash)
    }

    /// Sixteen hexadecimal digits.
    static func text(_ hash: UInt64) -> String {
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

extension PBStabilityReplay {
    init(_ replay: StabilityReplay) {
        self.init()
        receipt = PBStabilityReceipt(replay.receipt)
        stability = PBStability(Stability(replay.again))
        reasons = replay.again.reasons.map(PBStabilityReason.init)
        inputHash = PBStabilityReceipt.text(replay.inputHash)
        agrees = replay.agrees
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
        case .failedElsewhere(let failures, let all): (kind, count, of) = (.failedElsewhere, Int64(failures), Int64(all))
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
