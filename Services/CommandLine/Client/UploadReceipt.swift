/// What the server says of an upload.
struct UploadReceipt: Codable, Equatable, Sendable {
    struct Warning: Codable, Equatable, Sendable {
        let file: String?
        let line: Int?
        let code: String?
        let detail: String?
    }

    let uploadId: String
    let runId: String
    let accepted: Int64?
    let rejected: Int64?
    let warnings: [Warning]?
    var duplicate: Bool?
    /// Only where the upload waited for it, or finished the run.
    var runState: String?
}
