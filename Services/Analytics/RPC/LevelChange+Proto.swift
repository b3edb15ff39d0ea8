import AnalyticsAPI
import Foundation
import Primitives
import ServiceKit
import SwiftProtobuf

extension PBLevelChange {
    init(_ change: LevelChange) {
        self.init()
        id = change.id.description
        project = change.project.description
        dimension = change.part.dimension.message
        value = change.part.value
        figure = change.figure.message
        day = change.day
        before = change.before
        after = change.after
        foundAt = .init(milliseconds: change.foundAt)
        if let at = change.goneAt { goneAt = .init(milliseconds: at) }
        edition = change.receipt.edition
        inputHash = PBStabilityReceipt.text(change.receipt.inputHash)
        lookedAt = .init(milliseconds: change.receipt.lookedAt)
        verdict = PBLevelChangeVerdict(change.verdict)
        branch = change.part.branch
        if let start = change.start {
            result = start.result.description
            executedAt = .init(milliseconds: start.executedAt)
            commitSha = start.commit
        }
    }
}

extension PBLevelExecution {
    init(_ point: DurationSeries.Point) {
        self.init()
        result = point.result.description
        durationUs = point.duration
    }
}

extension PBLevelDay {
    init(_ point: TrendSeries.Point) {
        self.init()
        day = point.day
        if let counts = point.counts {
            passed = counts.passed
            judged = counts.judged
        }
        if let median = point.median { medianUs = median }
    }
}

extension PBLevelChangeReplay {
    init(_ replay: LevelReplay) {
        self.init()
        receipt = PBLevelChange(replay.receipt)
        if let again = replay.again {
            if let known = again.day { day = known }
            if let first = again.result { result = first.description }
            before = again.before
            after = again.after
        }
        inputHash = PBStabilityReceipt.text(replay.inputHash)
        agrees = replay.agrees
    }
}

extension PBLevelChangeVerdict {
    init(_ verdict: LevelVerdict) {
        self.init()
        change = verdict.change.description
        switch verdict.kind {
        case .dismissed: kind = .dismissed
        case .confirmed: kind = .confirmed
        case nil: kind = .unspecified
        }
        note = verdict.note
        decidedBy = verdict.decidedBy
        if let at = verdict.decidedAt { decidedAt = .init(milliseconds: at) }
        version = verdict.version
    }
}

extension LevelVerdict.Kind {
    /// - Throws: `request.invalid` at `/kind`.
    init(_ message: PBLevelChangeVerdict.Kind) throws(Fault) {
        switch message {
        case .dismissed: self = .dismissed
        case .confirmed: self = .confirmed
        case .unspecified, .UNRECOGNIZED: throw .invalidField("/kind", "unknown", "kind must be DISMISSED or CONFIRMED.")
        }
    }
}

extension TrendChange.Figure {
    /// `nil` where none is named.
    /// - Throws: `request.invalid` at `figure`.
    init?(_ message: PBTrendChange.Figure) throws(Fault) {
        switch message {
        case .unspecified: return nil
        case .passRate: self = .passRate
        case .duration: self = .duration
        case .UNRECOGNIZED: throw .invalidField("figure", "unknown", "figure must be PASS_RATE or DURATION.")
        }
    }

    var message: PBTrendChange.Figure {
        switch self {
        case .passRate: .passRate
        case .duration: .duration
        }
    }
}
