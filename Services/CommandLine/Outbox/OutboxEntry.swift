import Foundation

/// An upload that is on its way, or waits for its server: what a body on disk does not say itself.
struct OutboxEntry: Codable, Equatable, Sendable {
    /// Server, without a slash at the end.
    let url: String
    let project: String
    /// The very query of the first try: the server holds a repeated key against it.
    let query: [String: String]
    let boundary: String
    private(set) var key: String
    let files: Int
    private(set) var bytes: Int64
    /// Closes the run when it has arrived.
    let finishes: Bool
    let createdAt: Date
    /// Sent before the upload; absent in entries of earlier releases.
    var owners: CodeOwnersFile?
    /// Where the fields of how the command ended begin in the body, behind its files; `nil` where there are none, or nothing but them.
    var ending: Int64?

    var path: String { "/api/v1/projects/\(project.percentEncoded)/uploads" }

    /// In an order that does not change.
    var queryItems: [(String, String)] { query.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } }

    /// What ends a body in the place of those fields.
    var closing: String { "--\(boundary)--\r\n" }

    /// The same without them, which is another upload to the server.
    func withoutEnding(at offset: Int64) -> OutboxEntry {
        var entry = self
        entry.key += "-files"
        entry.bytes = offset + Int64(closing.utf8.count)
        entry.ending = nil
        return entry
    }
}
