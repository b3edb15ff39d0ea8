import Foundation
import Primitives

/// The body of an upload that comes in pieces (draft-ietf-httpbis-resumable-upload): how much of it is here, and what was said of it.
struct PartialUpload: Identified, Equatable, Sendable {
    static let idPrefix = "pup"

    /// Of a body in all: as much as an upload in one request may have.
    static let maxBytes = IngestLimits().wireBytes
    /// Of what is appended at once, and where bodies are cut in the database.
    static let pieceBytes = 1 << 20
    /// Open at once in one project.
    static let maxOpen = 50
    /// From the first request on, however often its client comes back.
    static let lifetime: TimeInterval = 24 * 3600

    /// What the first request said of the body. Stored as JSON.
    struct Head: Codable, Equatable, Sendable {
        let contentType: String
        let contentEncoding: String
        let query: String
        let idempotencyKey: String
        /// Of the whole body; empty when the client did not name it.
        let sha256: Data

        /// - Throws: `request.invalid` for more than any client has to say.
        init(contentType: String, contentEncoding: String, query: String, idempotencyKey: String, sha256: Data) throws(Fault) {
            guard [contentType, contentEncoding, idempotencyKey].allSatisfy({ $0.utf8.count <= 1000 }), query.utf8.count <= 16_384,
                sha256.isEmpty || sha256.count == 32
            else { throw .invalidField("/head", "too_long", "The headers of the upload are too long.") }
            self.contentType = contentType
            self.contentEncoding = contentEncoding
            self.query = query
            self.idempotencyKey = idempotencyKey
            self.sha256 = sha256
        }
    }

    let id: ID<PartialUpload>
    let project: ID<Project>
    let lane: Lane
    let head: Head
    var received: Int64 = 0
    var length: Int64?
    var isComplete = false
    let expiresAt: Date

    /// With the length that a request names.
    /// - Throws: `upload.inconsistent_length` for another than before, or less than is here; `upload.too_large`.
    func knowing(length named: Int64?) throws(Fault) -> PartialUpload {
        guard let named else { return self }
        guard named <= Self.maxBytes else { throw .uploadTooLarge("more than \(Self.maxBytes >> 20) MiB") }
        guard named >= received, length == nil || length == named else { throw .inconsistentLength(length, named) }
        var next = self
        next.length = named
        return next
    }

    /// With `count` bytes more.
    /// - Throws: `upload.already_completed`, `upload.offset_mismatch`, `upload.inconsistent_length`, `upload.too_large`.
    func appending(_ count: Int, at offset: Int64, length named: Int64?) throws(Fault) -> PartialUpload {
        guard !isComplete else { throw .alreadyCompleted }
        guard offset == received else { throw .offsetMismatch(expected: received, provided: offset) }
        var next = try knowing(length: named)
        next.received += Int64(count)
        if let length = next.length, next.received > length { throw .inconsistentLength(length, next.received) }
        guard next.received <= Self.maxBytes else { throw .uploadTooLarge("more than \(Self.maxBytes >> 20) MiB") }
        return next
    }

    /// Bytes that belong to the body from `offset` on, cut where its pieces end.
    static func pieces(of data: Data, at offset: Int64) -> [(piece: Int32, bytes: Data)] {
        var pieces: [(piece: Int32, bytes: Data)] = []
        var rest = data
        var offset = offset
        while !rest.isEmpty {
            let bytes = rest.prefix(pieceBytes - Int(offset % Int64(pieceBytes)))
            pieces.append((Int32(offset / Int64(pieceBytes)), Data(bytes)))
            rest = rest.dropFirst(bytes.count)
            offset += Int64(bytes.count)
        }
        return pieces
    }
}
