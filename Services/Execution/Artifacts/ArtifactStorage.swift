import Foundation

/// Where the bytes of artifacts are. Keys are made of hashes and ids (`ArtifactContent.key`), never of anything that a user wrote.
///
/// `put` makes the whole content visible or nothing, and it is there for good when it returns. Each operation may be repeated.
protocol ArtifactStorage: Sendable {
    /// Takes over a file whose bytes are on the disk already. It may be moved away.
    /// - Throws: `storage_full`, `artifact.storage_unavailable`.
    func put(_ file: URL, as content: ArtifactContent, key: String) async throws

    /// Hands out the bytes of a range, in order, in pieces of at most 256 KiB.
    /// - Throws: `artifact.content_missing`, `artifact.storage_unavailable`, and what `take` throws.
    func read(_ key: String, _ range: Range<Int64>, _ take: (Data) async throws -> Void) async throws

    /// What is not there is deleted already.
    func delete(_ key: String) async throws
}
