import Foundation
import NIOCore
import NIOHTTP1

/// How far an upload in pieces has come, in all tries together.
final class UploadProgress {
    fileprivate(set) var offset: Int64 = 0
}

/// Large bodies go in pieces (draft-ietf-httpbis-resumable-upload): after a cut only what the server has not got is sent again, also by another process,
/// since the server finds what is there by the key.
extension UploadSender {
    /// Bodies of more bytes. Below, beginning again costs less than asking.
    static let large: Int64 = 8 << 20
    /// Of one request: on a line of a megabit half a minute.
    static let piece: Int64 = 4 << 20

    /// One try.
    /// - Returns: the answer to the whole upload, or whatever was in the way.
    /// - Throws: `unreachable`.
    func inPieces(_ entry: OutboxEntry, _ body: FilePieces, _ progress: UploadProgress) async throws -> APIConnection.Answer {
        let begun = try await connection.send(
            .POST, entry.path, query: entry.queryItems, file: body[0..<0],
            headers: Self.headers(of: entry) + [("upload-complete", "?0"), ("upload-length", "\(body.count)")], patience: Self.patience)
        guard begun.status == 201 else { return begun }
        guard let path = begun.headers.first(name: "location"), path.hasPrefix("/"), var offset = begun.uploadOffset, offset <= body.count else {
            throw ClientFailure.unreachable("\(connection.url) did not say where an upload goes on")
        }
        while true {
            progress.offset = max(progress.offset, offset)
            let end = min(offset + Self.piece, body.count)
            let isLast = end == body.count
            let answer = try await connection.send(
                .PATCH, path, file: body[offset..<end],
                headers: [
                    ("content-type", "application/partial-upload"), ("upload-offset", "\(offset)"), ("upload-complete", isLast ? "?1" : "?0"),
                ], patience: Self.patience)
            guard !isLast, answer.status == 204 else { return answer }
            guard let next = answer.uploadOffset, next > offset, next <= body.count else {
                throw ClientFailure.unreachable("\(connection.url) did not say where an upload goes on")
            }
            offset = next
        }
    }
}

extension APIConnection.Answer {
    fileprivate var uploadOffset: Int64? { headers.first(name: "upload-offset").flatMap { Int64($0) } }
}
