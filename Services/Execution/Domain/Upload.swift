import Foundation
import Primitives

/// One delivery of reports, stored as a whole or not at all.
struct Upload: Identified, Equatable, Sendable {
    static let idPrefix = "upl"

    let id: ID<Upload>
    let project: ID<Project>
    let run: ID<Run>
    /// Results that were taken.
    let accepted: Int
    /// Test records that were not; each has a warning.
    let rejected: Int
    let warnings: [Warning]
    let files: [UploadedFile]
    let createdAt: Date
    /// By which the owners of its results were found.
    var codeOwners: ID<CodeOwnersVersion>?
    /// Of its results in their build.
    var attempt = 1
    /// Uploads whose failed tests were tried again, which gave its results.
    var retryOf: [ID<Upload>] = []
}

/// One file of an upload. Stored as JSON.
struct UploadedFile: Codable, Equatable, Sendable {
    let name: String
    /// As they arrived, and after decoding. An archive's entries arrived with it: 0.
    let wireBytes: Int64
    let decodedBytes: Int64
    /// Of the decoded bytes, hex.
    let sha256: String
    /// `nil` for what is no report, and for uploads from before there was more than one format.
    var format: ReportFormat?
    /// Results that were taken from it, and test records that were not.
    var accepted: Int?
    var rejected: Int?
}

/// What the client hears: the upload, and whether it had been stored before.
struct UploadReceipt: Equatable, Sendable {
    let upload: Upload
    let duplicate: Bool
    let runState: Run.State
}
