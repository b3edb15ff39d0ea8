/// How an artifact is given out: users upload whatever they like, and it comes from the same host as our pages (T88, T89).
struct ArtifactDelivery: Equatable, Sendable {
    /// Nothing in it runs and nothing is loaded, should a browser display it after all.
    static let policy = "sandbox; default-src 'none'"

    private static let shown: Set<String> = ["image/png", "image/jpeg", "image/gif", "image/webp"]
    /// What a browser does not run, whatever is in it.
    private static let plain: Set<String> = [
        "text/plain", "text/csv", "application/json", "application/x-ndjson", "application/zip", "application/gzip", "application/pdf",
    ]

    let contentType: String
    let disposition: String

    /// - Parameters:
    ///   - mediaType: as Execution found it to be.
    ///   - name: as the client that uploaded it wrote it.
    init(mediaType: String, name: String) {
        let isShown = Self.shown.contains(mediaType) || mediaType.hasPrefix("audio/") || mediaType.hasPrefix("video/")
        if isShown || Self.plain.contains(mediaType) {
            contentType = mediaType.hasPrefix("text/") ? mediaType + "; charset=utf-8" : mediaType
        } else {
            contentType = "application/octet-stream"
        }
        disposition = (isShown ? "inline" : "attachment") + Self.parameters(Self.fileName(name))
    }

    /// The last component of what may be a path of any system, without what must not be in a file's name: controls, and the marks that turn the
    /// direction of text, with which `txt.exe` can be made to look like `exe.txt`.
    static func fileName(_ name: String) -> String {
        let last = name.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last ?? ""
        var kept = String.UnicodeScalarView()
        var bytes = 0
        for scalar in last.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned, .privateUse: continue
            default: break
            }
            // File systems take 255 bytes.
            bytes += String(scalar).utf8.count
            guard bytes <= 200 else { break }
            kept.append(scalar)
        }
        let text = String(kept)
        return text.allSatisfy({ $0 == "." || $0 == " " }) ? "artifact" : text
    }

    /// RFC 6266, with RFC 8187 for what is not ASCII: old readers take the first, others the second.
    private static func parameters(_ name: String) -> String {
        let plain = String(
            name.unicodeScalars.map { scalar in
                let isSafe = scalar.isASCII && scalar.value >= 0x20 && scalar != "\"" && scalar != "\\" && scalar != "%" && scalar != ";"
                return isSafe ? Character(scalar) : "_"
            })
        guard plain != name else { return "; filename=\"\(plain)\"" }
        let encoded = name.utf8.map { byte in
            let isPlain =
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || "-._~".utf8.contains(byte)
            let digits = String(byte, radix: 16, uppercase: true)
            return isPlain ? String(UnicodeScalar(byte)) : "%" + (digits.count == 1 ? "0" : "") + digits
        }.joined()
        return "; filename=\"\(plain)\"; filename*=UTF-8''\(encoded)"
    }
}
