import CommonAPI
import Foundation
import GRPCCore
import Jobs
import Postgres
import Primitives
import ServiceKit
import SwiftProtobuf
import ValidationAPI

/// Hands on a log to Validation, piece after piece. Validation counts a piece once; how far it has got is in the job itself, which ends after a few
/// pieces and leaves the rest to another.
struct MineLog: JobHandler {
    struct Payload: JobPayload {
        static let kind = "mine-log"

        let artifact: ID<Artifact>
        let piece: Int
    }

    /// Of one job: some seconds at most, while others wait.
    static let pieces = 8
    static let concurrency = 2

    let artifacts: ArtifactStore
    let runs: RunStore
    let storage: any ArtifactStorage
    let logs: any PBLogIntake.ClientProtocol
    let jobs: JobQueue

    func handle(_ payload: Payload, _ job: Job) async throws {
        let artifact: Artifact
        do {
            artifact = try await artifacts.get(payload.artifact, tenant: job.tenant)
        } catch let fault as Fault where fault.kind == .notFound {
            // Deleted since.
            return
        }
        let run = try await runs.get(artifact.run, tenant: job.tenant)
        // Nobody acts on what a run of the past says.
        guard run.importedAt == nil else { return }
        let bytes = artifact.content.bytes
        for number in payload.piece..<payload.piece + Self.pieces {
            guard let range = LogWindow.range(of: number, bytes: bytes) else { return }
            var data = Data()
            try await storage.read(artifact.content.key(of: job.tenant), range) { data.append($0) }
            var lines = LogWindow.lines(data, of: number)
            let isUnreadable = lines.firstIndex(of: 0).map { lines = lines[..<$0] } != nil
            // What is claimed to be no text may be text all the same (`curl -F` says so of every log); where it is none, nothing of it is read.
            if isUnreadable, number == 0, !artifact.isText { lines = Data() }
            let isLast = isUnreadable || LogWindow.range(of: number + 1, bytes: bytes) == nil
            try await send(lines, number, isUnreadable: isUnreadable, isLast: isLast, artifact, run)
            if isLast { return }
        }
        try await artifacts.database.transaction(.tenant(job.tenant)) { tx in
            try await jobs.enqueue(Payload(artifact: payload.artifact, piece: payload.piece + Self.pieces), tenant: job.tenant, in: tx)
        }
    }

    private func send(_ lines: Data, _ number: Int, isUnreadable: Bool, isLast: Bool, _ artifact: Artifact, _ run: Run) async throws {
        _ = try await logs.submitLog(
            .with {
                $0.project = run.project.description
                $0.run = run.id.description
                $0.artifact = artifact.id.description
                $0.piece = Int32(number)
                $0.text = lines
                $0.isLast = isLast
                $0.isCut = isLast && !isUnreadable && artifact.content.bytes > LogWindow.most
                $0.isUnreadable = isUnreadable
                $0.lane = PBLane.Value(run.lane)
                $0.branch = run.branch
                $0.startedAt = Google_Protobuf_Timestamp(milliseconds: run.startedAt ?? run.createdAt)
            })
    }
}
