import Foundation
import Primitives

/// A file that belongs to a run, or to one result of it. Its bytes are a content that several artifacts of the organization may share.
struct Artifact: Identified, Equatable, Sendable {
    static let idPrefix = "art"

    let id: ID<Artifact>
    let project: ID<Project>
    let run: ID<Run>
    let result: ID<TestResult>?
    /// As the client named it: data, never a path.
    let name: String
    let kind: ArtifactKind
    let content: ArtifactContent
    let createdAt: Date

    /// It is read for what it says: plain text, and what is called a log, be it text or not.
    var isLog: Bool { kind.mediaType == "text/plain" || name.lowercased().hasSuffix(".log") }
    var isText: Bool { kind.mediaType.hasPrefix("text/") }
}

/// The bytes of artifacts, known by what they are.
struct ArtifactContent: Identified, Equatable, Sendable {
    static let idPrefix = "blb"

    let id: ID<ArtifactContent>
    /// SHA-256, 32 bytes.
    let sha256: Data
    let bytes: Int64

    var hex: String { sha256.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined() }

    /// Where the storage keeps them. Nothing that a user wrote is in it. The id makes it another key when the same bytes come again while an
    /// older copy is being deleted.
    func key(of tenant: ID<Tenant>) -> String {
        let hex = hex
        return "\(tenant)/\(hex.prefix(2))/\(hex.dropFirst(2).prefix(2))/\(hex)-\(id)"
    }
}

/// What an organization may keep, reports included.
struct StorageQuota: Equatable, Sendable {
    var bytes: Int64?
    var files: Int64?
}

/// What was sent for a run and not kept for want of quota.
struct DroppedArtifacts: Equatable, Sendable {
    let files: Int64
    let bytes: Int64
    let lastAt: Date
}
