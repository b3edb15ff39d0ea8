import Foundation
import Primitives
import ServiceKit
import SwiftProtobuf
import ValidationAPI

extension PBLogReceipt {
    init(_ receipt: LogReceipt) {
        self.init()
        let judged = receipt.judged
        if let judgement = judged.judgement {
            category = judgement.category.message
            severity = judgement.severity.message
            rule = judgement.rule
            evidence = judgement.evidence
        }
        builtInEdition = judged.edition.builtIn
        projectEdition = judged.edition.project
        inputSha256 = judged.hash.map { String(UInt16($0) + 256, radix: 16).dropFirst() }.joined()
        judgedAt = Google_Protobuf_Timestamp(milliseconds: receipt.judgedAt)
    }
}

extension PBLogReplay {
    init(_ replay: LogReplay) {
        self.init()
        receipt = PBLogReceipt(replay.receipt)
        if let again = replay.again {
            category = again.category.message
            severity = again.severity.message
            rule = again.rule
            evidence = again.evidence
        }
        agrees = replay.agrees
    }
}

extension PBLogPatternVerdict {
    init(_ verdict: LogVerdict) {
        self.init()
        pattern = verdict.pattern.description
        if let category = verdict.category { self.category = category.message }
        reason = verdict.reason
        decidedBy = verdict.decidedBy
        if let decided = verdict.decidedAt { decidedAt = Google_Protobuf_Timestamp(milliseconds: decided) }
        version = verdict.version
    }
}
