import Primitives

/// What an upload's headers say of its body.
enum UploadBody: Equatable, Sendable {
    /// One report, as it is or compressed.
    case report(isCompressed: Bool)
    case multipart(boundary: String)

    /// - Throws: `upload.unsupported_media_type`, `upload.unsupported_encoding` (415).
    init(_ head: RequestHead) throws(Fault) {
        guard let type = head.contentType.flatMap(HeaderParameters.init) else { throw .uploadMediaType }
        switch (type.value, head.contentEncoding) {
        case ("application/xml", []), ("text/xml", []): self = .report(isCompressed: false)
        case ("application/xml", ["gzip"]), ("text/xml", ["gzip"]), ("application/gzip", []), ("application/x-gzip", []):
            self = .report(isCompressed: true)
        case ("multipart/form-data", []):
            guard let boundary = type["boundary"], (1...70).contains(boundary.utf8.count), boundary.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
            else {
                throw .multipart("The boundary must have 1 to 70 printable characters.")
            }
            self = .multipart(boundary: boundary)
        case ("application/xml", _), ("text/xml", _), ("application/gzip", _), ("application/x-gzip", _), ("multipart/form-data", _):
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
    func isCompressed() throws(Fault) -> Bool {
        switch contentEncoding {
        case "", "identity":
            contentType == "application/gzip" || contentType == "application/x-gzip" || (filename ?? "").lowercased().hasSuffix(".gz")
        case "gzip": true
        default: throw .uploadEncoding
        }
    }
}
