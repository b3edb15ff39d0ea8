import Foundation
import Primitives
import ServiceKit
import SwiftProtobuf
import ValidationAPI

extension PBReceipt {
    init(_ receipt: Receipt) {
        self.init()
        result = receipt.result.description
        category = receipt.judgement.category.message
        severity = receipt.judgement.severity.message
        rule = receipt.judgement.rule
        evidence = receipt.judgement.evidence
        builtInEdition = receipt.edition.builtIn
        projectEdition = receipt.edition.project
        inputSha256 = receipt.hash?.map { String(UInt16($0) + 256, radix: 16).dropFirst() }.joined() ?? ""
        judgedAt = Google_Protobuf_Timestamp(milliseconds: receipt.judgedAt)
        lessonsEdition = receipt.edition.lessons
        learnedEdition = receipt.edition.learned
        neighbours = receipt.judgement.neighbours.map(PBNeighbour.init)
    }
}

extension PBReplay {
    init(_ receipt: Receipt, again: Judgement) {
        self.init()
        self.receipt = PBReceipt(receipt)
        category = again.category.message
        severity = again.severity.message
        rule = again.rule
        evidence = again.evidence
        agrees = again == receipt.judgement
        neighbours = again.neighbours.map(PBNeighbour.init)
    }
}

extension PBNeighbour {
    fileprivate init(_ neighbour: Neighbour) {
        self.init()
        result = neighbour.result.description
        category = neighbour.category.message
        if let severity = neighbour.severity { self.severity = severity.message }
        similarity = Double(neighbour.similarity) / 1000
        verdictVersion = neighbour.verdict
    }
}

extension PBVerdict {
    init(_ verdict: Verdict) {
        self.init()
        result = verdict.result.description
        if let category = verdict.category { self.category = category.message }
        if let severity = verdict.severity { self.severity = severity.message }
        note = verdict.note
        decidedBy = verdict.decidedBy
        if let decided = verdict.decidedAt { decidedAt = Google_Protobuf_Timestamp(milliseconds: decided) }
        version = verdict.version
    }
}
