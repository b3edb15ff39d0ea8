import CommonAPI
import Foundation
import Primitives
import ServiceKit
import SwiftProtobuf
import ValidationAPI

extension FailedResult {
    /// - Throws: `request.invalid` naming the field.
    init(_ message: PBFailedResult, at pointer: String) throws(Fault) {
        let outcome: Outcome =
            switch message.outcome {
            case .failed: .failed
            case .errored: .errored
            case .passed, .skipped, .outcomeUnspecified, .UNRECOGNIZED:
                throw .invalidField(pointer + "/outcome", "invalid", "Only results that failed or errored are judged.")
            }
        self.init(
            result: try ID(message.result, field: pointer + "/result"), test: try ID(message.test, field: pointer + "/test"),
            className: message.className, name: message.name, outcome: outcome,
            symptoms: Symptoms(
                message: message.message, type: message.type, trace: message.trace, standardError: message.systemErr,
                standardOutput: message.systemOut, httpStatus: message.httpStatus, errorCode: message.errorCode, outcome: outcome
            ).bounded, owners: Self.assignable(message.owners))
    }

    /// Those that a group can be given to, and that can be kept as lines. What is none is left out: no failure is refused for the owner of its test.
    private static func assignable(_ owners: [String]) -> [String] {
        var found: [String] = []
        for owner in owners.prefix(mostOwners) where !owner.isEmpty && !found.contains(owner) {
            if owner.unicodeScalars.count <= FailureGroup.maxOwner, owner.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) { found.append(owner) }
        }
        return found
    }
}

extension Lane {
    /// Senders that know nothing of lanes send what is trusted.
    /// - Throws: `request.invalid` at `/lane`: what this release does not know is not taken for trusted.
    init(_ message: PBLane.Value) throws(Fault) {
        switch message {
        case .laneUnspecified, .trusted: self = .trusted
        case .untrusted: self = .untrusted
        case .UNRECOGNIZED: throw .invalidField("/lane", "unknown", "The lane is unknown.")
        }
    }
}

extension PBFailure {
    init(_ failure: Failure) {
        self.init()
        result = failure.result.description
        run = failure.run.description
        project = failure.project.description
        test = failure.test.description
        testName = failure.testName
        className = failure.className
        outcome = failure.outcome == .failed ? .failed : .errored
        category = failure.judgement.category.message
        severity = failure.judgement.severity.message
        rule = failure.judgement.rule
        evidence = failure.judgement.evidence
        message = failure.message
        judgedAt = .init(milliseconds: failure.judgedAt)
        overruled = failure.overruled != nil
        if let machine = failure.overruled {
            judgedCategory = machine.category.message
            judgedSeverity = machine.severity.message
        }
        if let group = failure.group { self.group = group.description }
        if let signature = failure.signature { self.signature = signature.description }
    }
}

extension PBValidation {
    init(_ validation: Validation) {
        self.init()
        run = validation.run.description
        project = validation.project.description
        state = validation.judgedAt == nil ? .judging : .judged
        failures = validation.failures
        categories = validation.categories.map { count in
            .with {
                $0.category = count.category.message
                $0.worstSeverity = count.worst.message
                $0.count = count.count
            }
        }
        if let judgedAt = validation.judgedAt { self.judgedAt = .init(milliseconds: judgedAt) }
    }
}

extension PBRule {
    init(_ rule: Rule, order: Int) {
        self.init()
        id = rule.id
        category = rule.category.message
        severity = rule.severity.message
        description_p = rule.description
        self.order = Int32(order)
    }
}
