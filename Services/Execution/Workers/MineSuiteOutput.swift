import CommonAPI
import Foundation
import GRPCCore
import Jobs
import Postgres
import Primitives
import ServiceKit
import SwiftProtobuf
import ValidationAPI

/// Hands on what the suites of an upload have put out, as one more log of the run: what all tests of a suite share is said there, and often nowhere else.
struct MineSuiteOutput: JobHandler {
    struct Payload: JobPayload {
        static let kind = "mine-suite-output"

        let upload: ID<Upload>
        let run: ID<Run>
    }

    /// Suites of a piece: what so many may say at most (`IngestLimits.suiteBytes`) is a piece of a log.
    static let suites = 16
    static let concurrency = 2

    let suites: RunSuiteStore
    let runs: RunStore
    let logs: any PBLogIntake.ClientProtocol

    func handle(_ payload: Payload, _ job: Job) async throws {
        let run = try await runs.get(payload.run, tenant: job.tenant)
        for piece in 0... {
            let outputs = try await suites.outputs(
                of: payload.upload, run: run.id, from: piece * Self.suites, limit: Self.suites, tenant: job.tenant)
            let isLast = outputs.count < Self.suites
            _ = try await logs.submitLog(
                .with {
                    $0.project = run.project.description
                    $0.run = run.id.description
                    // Pieces of an upload count once as those of an artifact do; no artifact has its id.
                    $0.artifact = ID<Artifact>(uuid: payload.upload.uuid).description
                    $0.piece = Int32(piece)
                    $0.text = Data(outputs.joined(separator: "\n").utf8)
                    $0.isLast = isLast
                    $0.lane = PBLane.Value(run.lane)
                    $0.branch = run.branch
                    $0.startedAt = Google_Protobuf_Timestamp(milliseconds: run.startedAt ?? run.createdAt)
                })
            if isLast { return }
        }
    }
}
