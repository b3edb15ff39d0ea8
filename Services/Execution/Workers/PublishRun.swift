import AnalyticsAPI
import CommonAPI
import Crypto
import Foundation
import GRPCCore
import Jobs
import NotificationsAPI
import Primitives
import ServiceKit
import SwiftProtobuf
import ValidationAPI

/// Tells one receiver that a run is finished. A run that was opened again in the meantime says nothing: its next finish has a job of its own.
struct PublishRun: JobHandler {
    enum Receiver: String, Codable, Sendable, CaseIterable { case validation, analytics, notifications }

    struct Payload: JobPayload {
        static let kind = "publish-run"

        let run: ID<Run>
        let version: Int64
        let receiver: Receiver
    }

    /// Failures that are told of, and what they may take in a call, in bytes.
    static let maxFailures = 200
    static let maxFailureBytes = 2 << 20
    /// Characters of each text.
    static let textLimit = 4_000
    /// Tries that wait for Analytics to say what is quarantined. Then people hear that the run failed without it: late news is worse than news that
    /// looks worse than it is.
    static let quarantineTries = 3
    /// Tries to hold a run against its baseline. Then it is told nothing, and is held against what is in force when somebody asks.
    static let receiptTries = 12

    let runs: RunStore
    let results: ResultStore
    let quarantine: Quarantine
    let judge: RegressionJudge
    let validation: any ValidationAPI.PBIntake.ClientProtocol
    let analytics: any AnalyticsAPI.PBIntake.ClientProtocol
    let notifications: any NotificationsAPI.PBIntake.ClientProtocol

    func handle(_ payload: Payload, _ job: Job) async throws {
        let run = try await runs.get(payload.run, tenant: job.tenant)
        guard run.version == payload.version, run.state.isFinal, let finishedAt = run.finishedAt else { return }
        switch payload.receiver {
        case .validation:
            _ = try await validation.completeRun(
                .with {
                    $0.project = run.project.description
                    $0.run = run.id.description
                    $0.counts = PBCounts(run.counts)
                    $0.lane = PBLane.Value(run.lane)
                    $0.branch = run.branch
                    $0.commitSha = run.commit
                    $0.environment = run.environment
                    $0.startedAt = Google_Protobuf_Timestamp(milliseconds: run.startedAt ?? run.createdAt)
                    $0.finishedAt = Google_Protobuf_Timestamp(milliseconds: finishedAt)
                    $0.isWhole = !run.incomplete && run.state != .cancelled && run.state != .timedOut
                })
            try await conclude(run, job)
        case .analytics:
            _ = try await analytics.submitRun(
                .with {
                    $0.project = run.project.description
                    $0.run = run.id.description
                    $0.passed = run.state == .passed
                    $0.lane = PBLane.Value(run.lane)
                    $0.counts = PBCounts(run.counts)
                    $0.startedAt = Google_Protobuf_Timestamp(milliseconds: run.startedAt ?? run.createdAt)
                    $0.finishedAt = Google_Protobuf_Timestamp(milliseconds: finishedAt)
                })
        case .notifications:
            var event = PBSubmitEventRequest(finished: run, at: finishedAt)
            if run.counts.failed + run.counts.errored > 0 {
                event.data.fields["quarantined"] = try await quarantined(run, job)
                // Only who has a commit can show them beside it.
                if !run.commit.isEmpty { event.failures = try await failures(of: run, tenant: job.tenant) }
            }
            _ = try await notifications.submitEvent(event)
        }
    }

    /// Whatever is approved from now on, this is what the run was held against.
    private func conclude(_ run: Run, _ job: Job) async throws {
        do {
            try await judge.conclude(run, at: Date(), tenant: job.tenant)
        } catch  where job.attempt > Self.receiptTries && !(error is CancellationError) {
            return
        }
    }

    /// Which of the failures are quarantined; `nil` when Analytics could not say so for long.
    private func quarantined(_ run: Run, _ job: Job) async throws -> Google_Protobuf_Value? {
        let (_, span) = try await runs.span(run.id, tenant: job.tenant)
        do {
            let excuse = try await quarantine.excuse(of: run, span, tenant: job.tenant)
            // GitHub's check says so to whoever merges.
            let isKept = excuse.isActedOn ? try await quarantine.keep(excuse, of: run, tenant: job.tenant) != nil : false
            return .init(
                structValue: .init(fields: [
                    "failing_tests": .init(numberValue: Double(excuse.question.failing)),
                    "quarantined_tests": .init(numberValue: Double(excuse.quarantined.count)),
                    "passed_again_tests": .init(numberValue: Double(excuse.question.passedAgain)),
                    "excused": .init(boolValue: excuse.isExcused && isKept),
                ]))
        } catch is RPCError where job.attempt > Self.quarantineTries {
            return nil
        }
    }

    private func failures(of run: Run, tenant: ID<Tenant>) async throws -> [PBEventFailure] {
        let (_, span) = try await runs.span(run.id, tenant: tenant)
        let found = try await results.list(
            span, after: nil, troubleOnly: true, textLimit: Self.textLimit, limit: Self.maxFailures, tenant: tenant)
        var bytes = 0
        return found.map(PBEventFailure.init).prefix { failure in
            bytes += failure.test.utf8.count + failure.file.utf8.count + failure.message.utf8.count + failure.trace.utf8.count
            return bytes <= Self.maxFailureBytes
        }.map(\.self)
    }
}

extension PBEventFailure {
    fileprivate init(_ result: TestResult) {
        self.init()
        test = [result.suiteName, result.className, result.name].filter { !$0.isEmpty }.joined(separator: " › ")
        file = result.file
        line = result.line ?? 0
        message = result.texts.message
        trace = result.texts.trace
    }
}

/// What `run.finished` is about; also names the event, the same in every try of the same finish.
enum Event: Identified { static let idPrefix = "evt" }

extension PBSubmitEventRequest {
    fileprivate init(finished run: Run, at finishedAt: Date) {
        self.init()
        id = ID<Event>(uuid: .version8(digest: SHA256.hash(data: Data("run.finished/\(run.id)/\(run.version)".utf8)))).description
        type = "run.finished"
        project = run.project.description
        occurredAt = Google_Protobuf_Timestamp(milliseconds: finishedAt)
        let counts = run.counts
        data.fields = [
            "run": .init(stringValue: run.id.description),
            "project": .init(stringValue: run.project.description),
            "kind": .init(stringValue: run.kind.rawValue.uppercased()),
            "state": .init(stringValue: run.state.rawValue.uppercased()),
            "name": .init(stringValue: run.name),
            "branch": .init(stringValue: run.branch),
            "commit_sha": .init(stringValue: run.commit),
            "environment": .init(stringValue: run.environment),
            "incomplete": .init(boolValue: run.incomplete),
            "duration_ms": .init(numberValue: Double(run.duration(now: finishedAt)?.wholeMilliseconds ?? 0)),
            "url": .init(stringValue: "/runs/\(run.id)"),
            "counts": .init(
                structValue: .init(fields: [
                    "total": .init(numberValue: Double(counts.total)), "passed": .init(numberValue: Double(counts.passed)),
                    "failed": .init(numberValue: Double(counts.failed)), "errored": .init(numberValue: Double(counts.errored)),
                    "skipped": .init(numberValue: Double(counts.skipped)), "pending": .init(numberValue: Double(counts.pending)),
                ])),
        ]
    }
}
