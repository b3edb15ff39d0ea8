import Foundation
import Outbound
import Primitives

/// Artifacts in a bucket of any S3. A content is one object, written by one PUT that carries its SHA-256: the store refuses other bytes, and what is cut off
/// is no object. Nothing is ever listed, so the key needs to put, get and delete objects only.
struct S3Storage: ArtifactStorage {
    /// What one GET asks for: the most of an object that is in memory.
    static let window: Int64 = 1 << 20
    static let piece = 256 << 10

    let bucket: S3Client

    func put(_ file: URL, as content: ArtifactContent, key: String) async throws {
        try await attempt { try bucket.put(file, bytes: content.bytes, sha256: content.hex, key: key) }
    }

    func read(_ key: String, _ range: Range<Int64>, _ take: (Data) async throws -> Void) async throws {
        var offset = range.lowerBound
        while offset < range.upperBound {
            let wanted = offset..<min(offset + Self.window, range.upperBound)
            let data = try await attempt { try bucket.get(key, wanted) }
            guard let data, data.count == wanted.count else { throw Fault.artifactContentMissing }
            for start in stride(from: 0, to: data.count, by: Self.piece) { try await take(data.dropFirst(start).prefix(Self.piece)) }
            offset = wanted.upperBound
        }
    }

    func delete(_ key: String) async throws {
        try await attempt { try bucket.delete(key) }
    }

    private func attempt<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
        do {
            return try await DiskThreads.run(body)
        } catch is S3Error {
            throw Fault.storageUnavailable
        }
    }
}
