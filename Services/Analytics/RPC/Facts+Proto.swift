import AnalyticsAPI
import CommonAPI
import Foundation
import Primitives
import ServiceKit
import SwiftProtobuf

extension FactBatch {
    /// - Throws: `request.invalid` naming the field, `facts.too_many`.
    init(_ message: PBSubmitFactsRequest) throws(Fault) {
        guard message.facts.count <= Self.maxFacts else { throw .tooManyFacts() }
        guard !message.batch.isEmpty else { throw .invalidField("/batch", "missing", "The sender's name for the batch is needed.") }
        guard message.hasStartedAt else { throw .invalidField("/started_at", "missing", "The run's start is needed.") }
        var facts: [Fact] = []
        facts.reserveCapacity(message.facts.count)
        for (index, fact) in message.facts.enumerated() { facts.append(try Fact(fact, at: "/facts/\(index)")) }
        self.init(
            project: try ID(message.project, field: "/project"), run: try ID(message.run, field: "/run"),
            event: "\(message.batch)/\(message.sequence)", branch: message.branch, commit: message.commitSha, environment: message.environment,
            tags: Array(message.tags.prefix(FactBatch.maxTags)), zone: message.zone, startedAt: message.startedAt.date, facts: facts)
    }
}

extension MessageBatch {
    /// - Throws: `request.invalid` naming the field, `messages.too_many`.
    init(_ message: PBSubmitMessagesRequest) throws(Fault) {
        guard message.messages.count <= Self.maxMessages else { throw .tooManyMessages() }
        guard message.hasStartedAt else { throw .invalidField("/started_at", "missing", "The run's start is needed.") }
        var messages: [FailureMessage] = []
        messages.reserveCapacity(message.messages.count)
        for (index, one) in message.messages.enumerated() {
            let pointer = "/messages/\(index)"
            guard one.fingerprint != 0 else { throw .invalidField(pointer + "/fingerprint", "missing", "What it is compared by is needed.") }
            messages.append(
                FailureMessage(
                    result: try ID(one.result, field: pointer + "/result"), test: try ID(one.test, field: pointer + "/test"),
                    fingerprint: one.fingerprint))
        }
        self.init(
            project: try ID(message.project, field: "/project"), branch: message.branch, environment: message.environment,
            startedAt: message.startedAt.date, messages: messages)
    }
}

extension [FailureVerdict] {
    /// - Throws: `request.invalid` naming the field, `failure_verdicts.too_many`.
    init(_ messages: [PBFailureVerdict]) throws(Fault) {
        guard messages.count <= FailureVerdict.mostAtOnce else { throw .tooManyFailureVerdicts() }
        self.init()
        for (index, message) in messages.enumerated() {
            let pointer = "/verdicts/\(index)"
            guard message.version > 0 else { throw .invalidField(pointer + "/version", "missing", "The version of the verdict is needed.") }
            guard message.hasDecidedAt else { throw .invalidField(pointer + "/decided_at", "missing", "When it was said is needed.") }
            append(
                FailureVerdict(
                    result: try ID(message.result, field: pointer + "/result"), isEnvironment: message.environment, version: message.version,
                    decidedAt: message.decidedAt.date))
        }
    }
}

extension Fact {
    fileprivate init(_ message: PBFact, at pointer: String) throws(Fault) {
        self.init(
            result: try ID(message.result, field: pointer + "/result"), test: try ID(message.test, field: pointer + "/test"),
            suiteName: message.suiteName, className: message.className, name: message.name,
            outcome: try Outcome(message.outcome, at: pointer + "/outcome"), duration: message.hasDurationUs ? message.durationUs : nil,
            failedTries: min(max(0, Int(message.failedTries)), Fact.mostTries), host: message.host)
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

extension Outcome {
    fileprivate init(_ message: PBOutcome.Value, at pointer: String) throws(Fault) {
        switch message {
        case .passed: self = .passed
        case .failed: self = .failed
        case .errored: self = .errored
        case .skipped: self = .skipped
        case .outcomeUnspecified, .UNRECOGNIZED: throw .invalidField(pointer, "missing", "How the test ended is needed.")
        }
    }

    var message: PBOutcome.Value {
        switch self {
        case .passed: .passed
        case .failed: .failed
        case .errored: .errored
        case .skipped: .skipped
        }
    }
}

extension PBCounts {
    init(_ tally: Tally) {
        self.init()
        total = tally.total
        passed = tally.passed
        failed = tally.failed
        errored = tally.errored
        skipped = tally.skipped
        pending = 0
    }
}

extension PBTest {
    init(_ test: Test) {
        self.init()
        id = test.id.description
        project = test.project.description
        suiteName = test.suiteName
        className = test.className
        name = test.name
        counts = PBCounts(test.tally)
        flips = test.flips
        lastOutcome = test.lastOutcome.message
        firstSeenAt = .init(milliseconds: test.firstSeenAt)
        lastSeenAt = .init(milliseconds: test.lastSeenAt)
        if let mean = test.meanDuration { meanDurationUs = mean }
        if test.stability != nil || test.verdict != nil { stability = PBStability(test.stability, test.verdict) }
        if let said = test.verdict { verdict = PBTestVerdict(said) }
    }
}

extension PBTestExecution {
    init(_ execution: Execution) {
        self.init()
        result = execution.result.description
        run = execution.run.description
        outcome = execution.outcome.message
        if let duration = execution.duration { durationUs = duration }
        branch = execution.branch
        commitSha = execution.commit
        executedAt = .init(milliseconds: execution.executedAt)
    }
}
