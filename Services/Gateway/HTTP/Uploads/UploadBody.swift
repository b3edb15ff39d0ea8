import Primitives

/// What an upload's headers say of its body.
enum UploadBody: Equatable, Sendable {
    /// One report, or one archive of reports. `encoding`: `gzip`, `zstd`, or empty.
    case report(name: String, encoding: String)
    case multipart(boundary: String)

    /// Types of single reports, and what a file of each is called when it has no name. Execution looks at the content.
    private static let names = [
        "application/xml": "report.xml", "text/xml": "report.xml", "application/json": "report.json", "application/x-ndjson": "report.ndjson",
        "application/sarif+json": "report.sarif", "text/plain": "report.txt", "application/zip": "report.zip",
        "application/octet-stream": "report",
    ]
    private static let encodings = ["application/gzip": "gzip", "application/x-gzip": "gzip", "application/zstd": "zstd"]

    /// - Throws: `upload.unsupported_media_type`, `upload.unsupported_encoding` (415).
    init(contentType: String?, contentEncoding: [String]) throws(Fault) {
        guard let type = contentType.flatMap(HeaderParameters.init) else { throw .uploadMediaType }
        switch (type.value, contentEncoding) {
        case (let type, []) where Self.names[type] != nil: self = .report(name: Self.names[type] ?? "", encoding: "")
        case (let type, ["gzip"]) where Self.names[type] != nil: self = .report(name: (Self.names[type] ?? "") + ".gz", encoding: "gzip")
        case (let type, ["zstd"]) where Self.names[type] != nil: self = .report(name: (Self.names[type] ?? "") + ".zst", encoding: "zstd")
        case (let type, []) where Self.encodings[type] != nil: self = .report(name: "report", encoding: Self.encodings[type] ?? "")
        case ("multipart/form-data", []):
            guard let boundary = type["boundary"], (1...70).contains(boundary.utf8.count), boundary.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
            else {
                throw .multipart("The boundary must have 1 to 70 printable characters.")
            }
            self = .multipart(boundary: boundary)
        case (let type, _) where Self.names[type] != nil || Self.encodings[type] != nil || type == "multipart/form-data":
            // A second coding around the first is how decompression bombs are nested.
            throw .uploadEncoding
        default: throw .uploadMediaType
        }
    }
}

extension MultipartHeaders {
    /// `file` and `data` hold reports (the second is Buildkite's name for them), everything else is a field.
    var isReport: Bool { name == "file" || name == "data" || name == "file[]" || name == "files[]" }

    /// curl and browsers name compressed files by their ending only.
    /// - Throws: `upload.unsupported_encoding`.
    func encoding() throws(Fault) -> String {
        let name = (filename ?? "").lowercased()
        switch contentEncoding {
        case "", "identity":
            return contentType == "application/gzip" || contentType == "application/x-gzip" || name.hasSuffix(".gz")
                ? "gzip" : contentType == "application/zstd" || name.hasSuffix(".zst") ? "zstd" : ""
        case "gzip", "zstd": return contentEncoding
        default: throw .uploadEncoding
        }
    }
}
