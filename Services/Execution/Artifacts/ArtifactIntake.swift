import Audit
import Foundation
import Jobs
import Postgres
import Primitives

/// Takes files for a run, one after the other: each is written and hashed while it comes, looked at, put into the storage unless its bytes are there, and
/// then becomes an artifact. Each is taken or refused by itself.
struct ArtifactIntake: Sendable {
    static let nameLimit = 4_096
    /// How often a content is claimed again that was condemned, or an artifact that was deleted, at the same moment.
    static let tries = 20

    let artifacts: ArtifactStore
    let storage: any ArtifactStorage
    let results: ResultStore
    let usage: UsageStore
    let jobs: JobQueue
    /// Where files wait until they are whole; for `DiskStorage` in its own file system.
    let incoming: URL
    /// Of one file.
    let maxBytes: Int64

    /// What a client sends, in order.
    enum Input: Sendable {
        case file(name: String, mediaType: String, result: String)
        case data(Data)
        case end
    }

    /// What is known of the files before they come.
    struct Order: Sendable {
        let run: Run
        let tenant: ID<Tenant>
        let quota: StorageQuota
    }

    struct Receipt: Sendable {
        struct Refused: Sendable {
            let name: String
            let fault: Fault
        }

        var taken: [Artifact] = []
        var refused: [Refused] = []
    }

    /// - Throws: what keeps all files from being taken: `storage_full`, `artifact.storage_unavailable`, `artifact.parts_out_of_order`, and whatever
    ///   `parts` throws.
    func receive(_ order: Order, _ parts: inout some AsyncIteratorProtocol<Input, any Error>) async throws -> Receipt {
        let room = try await room(order)
        var receipt = Receipt()
        var current: Arrival?
        while let part = try await parts.next(isolation: #isolation) {
            switch (part, current) {
            case (.file(let name, let type, let result), nil): current = try await begin(name, type, result, order)
            case (.data(let data), let arrival?): try await take(data, arrival)
            case (.end, let arrival?):
                try await settle(arrival, order, room, &receipt)
                current = nil
            default: throw Fault.artifactPartsOutOfOrder
            }
        }
        guard current == nil else { throw Fault.artifactPartsOutOfOrder }
        // The first of two sent the entry.
        if !receipt.taken.isEmpty { AuditedCall.changedNothing() }
        return receipt
    }

    // MARK: - One file

    /// A file on its way in; `refusal` once it is known that it will not be kept.
    private final class Arrival {
        let name: String
        let claimed: String
        let result: ID<TestResult>?
        var file: IncomingFile?
        var count: Int64 = 0
        var refusal: Fault?

        init(name: String, claimed: String, result: ID<TestResult>?, file: IncomingFile?, refusal: Fault?) {
            self.name = name
            self.claimed = claimed
            self.result = result
            self.file = file
            self.refusal = refusal
        }

        func refuse(_ fault: Fault) {
            refusal = fault
            file = nil
        }
    }

    private func begin(_ name: String, _ claimed: String, _ result: String, _ order: Order) async throws -> Arrival {
        // PostgreSQL keeps no NUL.
        let name = name.replacing("\0", with: "\u{FFFD}")
        do {
            guard (1...Self.nameLimit).contains(name.utf8.count) else { throw Fault.artifactName(Self.nameLimit) }
            let result = try await owner(result, named: name, order)
            let file = try await IncomingFile.make(in: incoming)
            return Arrival(name: name, claimed: claimed, result: result, file: file, refusal: nil)
        } catch let fault as Fault where !fault.kind.isPassing {
            return Arrival(name: Excerpt.of(name, limit: 255), claimed: claimed, result: nil, file: nil, refusal: fault)
        }
    }

    /// The result that a file belongs to: the one that is named, or the only one whose report names the file.
    /// - Throws: `request.invalid_id`, `result.not_found`, `artifact.other_run`.
    private func owner(_ text: String, named name: String, _ order: Order) async throws -> ID<TestResult>? {
        guard !text.isEmpty else { return try await artifacts.result(of: order.run.id, attaching: name, tenant: order.tenant) }
        let id = try ID<TestResult>(text, field: "result")
        guard try await results.get(id, tenant: order.tenant).run == order.run.id else { throw Fault.artifactOtherRun(id, order.run.id) }
        return id
    }

    /// What is refused is read to its end and dropped, because other files may follow.
    private func take(_ data: Data, _ arrival: Arrival) async throws {
        arrival.count += Int64(data.count)
        if arrival.count > maxBytes { arrival.refuse(.artifactTooLarge(maxBytes)) }
        try await arrival.file?.append(data)
    }

    private func settle(_ arrival: Arrival, _ order: Order, _ room: StorageQuota, _ receipt: inout Receipt) async throws {
        do {
            if let refusal = arrival.refusal { throw refusal }
            guard let file = arrival.file else { throw Fault.artifactPartsOutOfOrder }
            let kind = try await file.kind(claimed: arrival.claimed)
            if let size = kind.size, size.isTooLarge {
                throw kind.mediaType.hasPrefix("image/") ? Fault.imageTooLarge(size) : Fault.videoTooLarge(size)
            }
            receipt.taken.append(try await store(file, arrival, kind, order, room))
        } catch let fault as Fault where !fault.kind.isPassing {
            receipt.refused.append(.init(name: arrival.name, fault: fault))
        }
    }

    /// - Throws: `quota_exceeded`, `artifact.too_many`, and what the storage throws.
    private func store(
        _ file: IncomingFile, _ arrival: Arrival, _ kind: ArtifactKind, _ order: Order, _ room: StorageQuota
    ) async throws -> Artifact {
        let sha256 = try await file.finish()
        let tenant = order.tenant
        for _ in 0..<Self.tries {
            let (content, isStored) = try await artifacts.claim(sha256: sha256, bytes: file.count, tenant: tenant)
            // Two that find it missing both put it: the bytes are the same, and neither knows whether the other one gets that far.
            if !isStored { try await storage.put(file.url, as: content, key: content.key(of: tenant)) }
            let artifact = Artifact(
                id: .new(), project: order.run.project, run: order.run.id, result: arrival.result, name: arrival.name, kind: kind, content: content,
                createdAt: Date())
            do {
                try await artifacts.database.transaction(.tenant(tenant)) { tx in
                    try await artifacts.insert(artifact, room: room, tenant: tenant, in: tx)
                    guard artifact.isLog else { return }
                    try await jobs.enqueue(MineLog.Payload(artifact: artifact.id, piece: 0), tenant: tenant, in: tx)
                }
                return artifact
            } catch ArtifactStore.Obstacle.duplicate {
                let first = try await artifacts.find(order.run.id, arrival.result, name: arrival.name, sha256: sha256, tenant: tenant)
                if let first { return first }
                // Deleted since: once more.
                guard file.isAtHand else { throw Fault.storageUnavailable }
            } catch ArtifactStore.Obstacle.contentIsGone {
                guard file.isAtHand else { throw Fault.storageUnavailable }
            } catch ArtifactStore.Obstacle.quota {
                try await artifacts.drop(file.count, of: order.run.id, tenant: tenant)
                throw try await exceeded(order, file.count)
            }
        }
        throw Fault.storageUnavailable
    }

    // MARK: - Quota

    /// What is left for artifacts beside the reports.
    private func room(_ order: Order) async throws -> StorageQuota {
        guard order.quota.bytes != nil || order.quota.files != nil else { return StorageQuota() }
        let reports = try await usage.reports(of: order.tenant)
        return StorageQuota(bytes: order.quota.bytes.map { $0 - reports.bytes }, files: order.quota.files.map { $0 - reports.files })
    }

    /// Which of the two it was.
    private func exceeded(_ order: Order, _ bytes: Int64) async throws -> Fault {
        let used = try await usage.usage(of: order.tenant)
        if let files = order.quota.files, used.storageFiles >= files { return .storageQuotaExceeded("storage_files", files) }
        return .storageQuotaExceeded("storage_bytes", order.quota.bytes ?? 0)
    }
}
