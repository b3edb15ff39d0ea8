import AnalyticsAPI
import CommonAPI
import GRPCCore
import Jobs
import Primitives
import ServiceKit
import SwiftProtobuf
import ValidationAPI

/// Tells one receiver what the tests of an upload, or of a finished suite, did. Pages are the same however often this runs, and receivers know
/// them by batch and sequence.
struct PublishBatch: JobHandler {
    enum Receiver: String, Codable, Sendable, CaseIterable { case validation, analytics }

    struct Payload: JobPayload {
        static let kind = "publish-batch"

        let run: ID<Run>
        /// `nil` for the results of a suite.
        let upload: ID<Upload>?
        let receiver: Receiver

        var batch: String { upload?.description ?? run.description }
        var key: String { "\(batch)/\(receiver.rawValue)" }
    }

    /// Analytics stores together what waits for it, so several under way are worth more than their number; results of 8 pages are some 20 MiB.
    static let concurrency = 8
    /// Contracts' limits of a call, and what keeps a call under the 4 MiB of a message.
    static let maxFailures = 2000
    static let maxFacts = 5000
    static let maxBytes = 3 << 20
    /// Characters of each text that Validation gets.
    static let textLimit = 8 << 10
    /// Of these, characters of the end of a longer trace or error output: what killed a process stands there, and the last cause. As many of the output.
    static let endLimit = 2 << 10
    /// Failures read at once: with their texts some 6 MiB at worst.
    static let failuresRead = 200

    let runs: RunStore
    let results: ResultStore
    let uploads: UploadStore
    let validation: any ValidationAPI.PBIntake.ClientProtocol
    let analytics: any AnalyticsAPI.PBIntake.ClientProtocol

    func handle(_ payload: Payload, _ job: Job) async throws {
        var (run, span) = try await runs.span(payload.run, tenant: job.tenant)
        var places = ReportedPlaces()
        var attempt = 1
        if let upload = payload.upload {
            let found = try await uploads.span(upload, tenant: job.tenant)
            if payload.receiver == .validation, found.isJudged { return }
            (span, places, attempt) = (found.span, found.places, found.attempt)
        }
        switch payload.receiver {
        case .validation:
            try await sendFailures(of: run, span, payload, job.tenant)
            try await runs.markJudged(payload.upload, of: run.id, tenant: job.tenant)
        case .analytics:
            try await sendFacts(of: run, span, places, attempt: attempt, payload, job.tenant)
        }
    }

    private func sendFailures(of run: Run, _ span: RunSpan, _ payload: Payload, _ tenant: ID<Tenant>) async throws {
        var pages = Pages<PBFailedResult>(maxCount: Self.maxFailures, maxBytes: Self.maxBytes)
        func send(_ page: [PBFailedResult], _ sequence: Int32) async throws {
            _ = try await validation.submitFailures(
                .with {
                    $0.project = run.project.description
                    $0.run = run.id.description
                    $0.batch = payload.batch
                    $0.sequence = sequence
                    $0.results = page
                    $0.lane = PBLane.Value(run.lane)
                    $0.branch = run.branch
                    $0.commitSha = run.commit
                    $0.environment = run.environment
                    $0.startedAt = Google_Protobuf_Timestamp(milliseconds: run.startedAt ?? run.createdAt)
                })
        }
        var last: ID<TestResult>?
        while true {
            let found = try await results.list(
                span, after: last, troubleOnly: true, textLimit: Self.textLimit, endLimit: Self.endLimit, limit: Self.failuresRead, tenant: tenant)
            for result in found {
                let failed = PBFailedResult(result, textLimit: Self.textLimit, endLimit: Self.endLimit)
                let owners = failed.owners.reduce(0) { $0 + $1.utf8.count + 3 }
                if let (page, sequence) = pages.add(failed, size: size(result) + owners) {
                    try await send(page, sequence)
                }
            }
            guard found.count == Self.failuresRead, let end = found.last else { break }
            last = end.id
        }
        if let (page, sequence) = pages.rest() { try await send(page, sequence) }
    }

    /// Bytes that a result takes in a call, at most: its texts, two ids of 30 characters, and less than 100 for numbers and field tags.
    private func size(_ result: TestResult) -> Int {
        256 + result.suiteName.utf8.count + result.className.utf8.count + result.name.utf8.count + result.texts.byteCount
            + (result.exchange?.errorCode.utf8.count ?? 0)
    }

    private func sendFacts(
        of run: Run, _ span: RunSpan, _ places: ReportedPlaces, attempt: Int, _ payload: Payload, _ tenant: ID<Tenant>
    ) async throws {
        var pages = Pages<PBFact>(maxCount: Self.maxFacts, maxBytes: Self.maxBytes)
        func send(_ page: [PBFact], _ sequence: Int32) async throws {
            _ = try await analytics.submitFacts(
                .with {
                    $0.project = run.project.description
                    $0.run = run.id.description
                    $0.batch = payload.batch
                    $0.sequence = sequence
                    $0.branch = run.branch
                    $0.commitSha = run.commit
                    $0.environment = run.environment
                    $0.tags = run.tags.map { $0.value.isEmpty ? $0.key : "\($0.key):\($0.value)" }.sorted()
                    $0.zone = places.zone
                    $0.startedAt = Google_Protobuf_Timestamp(milliseconds: run.startedAt ?? run.createdAt)
                    $0.facts = page
                    $0.lane = PBLane.Value(run.lane)
                })
        }
        var last: ID<TestResult>?
        while true {
            let found = try await results.list(span, after: last, troubleOnly: false, textLimit: 0, limit: Self.maxFacts, tenant: tenant)
            for result in found {
                if let (page, sequence) = pages.add(PBFact(result, places, attempt: attempt), size: size(result)) { try await send(page, sequence) }
            }
            guard found.count == Self.maxFacts, let end = found.last else { break }
            last = end.id
        }
        if let (page, sequence) = pages.rest() { try await send(page, sequence) }
    }
}
