import Foundation
import Postgres
import Primitives
import TestSupport
import Testing

@testable import ExecutionService

/// Bodies of uploads that come in pieces, as the gateway keeps them here.
@Suite(.database(ExecutionProgram.schema))
struct PartialUploadTests {
    private let tenant = ID<Tenant>.new()
    private let project = ID<Project>.new()
    private var store: PartialUploadStore { PartialUploadStore(database: TestDatabase.current.database) }

    private func draft(
        key: String = "", type: String = "application/xml", length: Int64? = nil, expiringIn life: TimeInterval = 3600
    ) throws -> PartialUpload {
        var upload = PartialUpload(
            id: .new(), project: project, lane: .trusted,
            head: try PartialUpload.Head(contentType: type, contentEncoding: "", query: "", idempotencyKey: key, sha256: Data()),
            expiresAt: Date(timeIntervalSince1970: (Date().timeIntervalSince1970 + life).rounded()))
        upload.length = length
        return upload
    }

    private func code(_ operation: () async throws -> Void) async -> String? {
        do {
            try await operation()
            return nil
        } catch {
            return (error as? Fault)?.code
        }
    }

    @Test(
        "what is appended is kept as it came, wherever the body was cut",
        arguments: [[1, 1, 1], [1 << 20, 1 << 20], [(1 << 20) - 1, 2, 1 << 20], [0, 700_000, 700_000, 700_000]])
    func pieces(sizes: [Int]) async throws {
        let body = Data((0..<sizes.reduce(0, +)).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) })
        let upload = try await store.open(draft(), tenant: tenant)
        var offset = 0
        for size in sizes {
            let after = try await store.append(
                body[offset..<offset + size], at: Int64(offset), length: nil, to: upload.id, tenant: tenant)
            offset += size
            #expect(after.received == Int64(offset))
        }
        var read = Data()
        for number in 0..<Int32.max {
            let piece = try await store.piece(number, of: upload.id, tenant: tenant)
            guard !piece.isEmpty else { break }
            read.append(piece)
        }
        #expect(read == body)
        #expect(try await UsageStore(database: store.database).usage(of: tenant).storageBytes == Int64(body.count))
        #expect(try await store.complete(upload.id, tenant: tenant).isComplete)
        #expect(try await store.piece(0, of: upload.id, tenant: tenant).isEmpty)
        #expect(try await UsageStore(database: store.database).usage(of: tenant).storageBytes == 0)
    }

    @Test("of two that append at one offset one is taken, and the other is told where it goes on")
    func writers() async throws {
        let upload = try await store.open(draft(), tenant: tenant)
        let outcomes = await withTaskGroup(of: Result<Int64, any Error>.self) { group in
            for writer in 0..<8 {
                group.addTask { [store, tenant] in
                    do {
                        let after = try await store.append(
                            Data(repeating: UInt8(writer), count: 100), at: 0, length: nil, to: upload.id, tenant: tenant)
                        return .success(after.received)
                    } catch {
                        return .failure(error)
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(outcomes.filter { (try? $0.get()) == 100 }.count == 1)
        let losers = outcomes.compactMap { outcome -> Fault? in
            if case .failure(let error) = outcome { error as? Fault } else { nil }
        }
        #expect(losers.count == 7 && losers.allSatisfy { $0.code == "upload.offset_mismatch" && $0.fields.first?.detail == "100" })
        #expect(Set(try await store.piece(0, of: upload.id, tenant: tenant)).count == 1)
    }

    @Test("one key begins one upload, and finds it again; other headers are another upload")
    func keys() async throws {
        let first = try await store.open(draft(key: "k"), tenant: tenant)
        _ = try await store.append(Data(count: 10), at: 0, length: 30, to: first.id, tenant: tenant)
        let again = try await store.open(draft(key: "k"), tenant: tenant)
        #expect(again.id == first.id && again.received == 10 && again.length == 30)
        #expect(await code { _ = try await store.open(draft(key: "k", type: "application/json"), tenant: tenant) } == "idempotency_mismatch")
        #expect(await code { _ = try await store.open(draft(key: "k", length: 31), tenant: tenant) } == "upload.inconsistent_length")
        // Complete, it is still known: whoever lost the answer asks for it again.
        _ = try await store.complete(first.id, tenant: tenant)
        #expect(try await store.open(draft(key: "k"), tenant: tenant).isComplete)
        #expect(
            await code { _ = try await store.append(Data(count: 1), at: 10, length: nil, to: first.id, tenant: tenant) } == "upload.already_completed"
        )
        let other = try await store.open(draft(key: "k"), tenant: .new())
        #expect(other.id != first.id)
    }

    @Test("a length is kept to, and 256 MiB are enough")
    func lengths() async throws {
        let upload = try await store.open(draft(length: 10), tenant: tenant)
        #expect(
            await code { _ = try await store.append(Data(count: 11), at: 0, length: nil, to: upload.id, tenant: tenant) }
                == "upload.inconsistent_length")
        #expect(
            await code { _ = try await store.append(Data(count: 1), at: 0, length: 9, to: upload.id, tenant: tenant) } == "upload.inconsistent_length"
        )
        let whole = try await store.append(Data(count: 10), at: 0, length: 10, to: upload.id, tenant: tenant)
        #expect(whole.received == 10)
        #expect(throws: Fault.self) { try draft().knowing(length: PartialUpload.maxBytes + 1) }
        var large = try draft()
        large.received = PartialUpload.maxBytes
        #expect(throws: Fault.self) { try large.appending(1, at: PartialUpload.maxBytes, length: nil) }
    }

    @Test("what has expired is as if it had never been, and is swept with its bytes")
    func expiry() async throws {
        let old = try await store.open(draft(key: "k"), tenant: tenant)
        _ = try await store.append(Data(count: 10), at: 0, length: nil, to: old.id, tenant: tenant)
        try await store.database.execute(
            .tenant(tenant), "update partial_uploads set expires_at = now() - interval '1 second' where tenant_id = \(tenant) and id = \(old.id)")
        #expect(await code { _ = try await store.get(old.id, tenant: tenant) } == "partial_upload.not_found")
        #expect(
            await code { _ = try await store.append(Data(count: 1), at: 10, length: nil, to: old.id, tenant: tenant) } == "partial_upload.not_found")
        let fresh = try await store.open(draft(key: "k"), tenant: tenant)
        #expect(fresh.id != old.id && fresh.received == 0)
        try await store.database.execute(
            .tenant(tenant), "update partial_uploads set expires_at = now() - interval '1 second' where tenant_id = \(tenant) and id = \(fresh.id)")
        try await store.sweep()
        let left: Int64 = try await store.database.one(
            .tenant(tenant),
            """
            select (select count(*) from partial_uploads where tenant_id = \(tenant))
                 + (select count(*) from partial_upload_pieces where tenant_id = \(tenant)) as left
            """
        ) { try $0.value("left") }
        #expect(left == 0)
    }

    @Test("nobody else's is found, and a project has so many open and no more")
    func bounds() async throws {
        let first = try await store.open(draft(), tenant: tenant)
        let stranger = ID<Tenant>.new()
        #expect(await code { _ = try await store.get(first.id, tenant: stranger) } == "partial_upload.not_found")
        #expect(
            await code { _ = try await store.append(Data(count: 1), at: 0, length: nil, to: first.id, tenant: stranger) }
                == "partial_upload.not_found")
        #expect(await code { try await store.delete(first.id, tenant: stranger) } == "partial_upload.not_found")
        for _ in 1..<PartialUpload.maxOpen { _ = try await store.open(draft(), tenant: tenant) }
        #expect(await code { _ = try await store.open(draft(), tenant: tenant) } == "upload.too_many_open")
        try await store.delete(first.id, tenant: tenant)
        _ = try await store.open(draft(), tenant: tenant)
    }
}
