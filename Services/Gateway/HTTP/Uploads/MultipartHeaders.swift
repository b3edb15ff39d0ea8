import Primitives

/// What the headers of one part say: its field name, and for files how they were named and encoded. Names are data, never paths.
struct MultipartHeaders: Equatable, Sendable {
    static let maxNameLength = 255
    /// Files may be called by their whole path.
    static let maxFilenameLength = 4_096

    let name: String
    /// `nil` for a plain field; an empty name still means a file.
    let filename: String?
    let contentType: String
    let contentEncoding: String

    /// `text` holds header lines without the final line break.
    /// - Throws: `upload.malformed_multipart` unless there is a `Content-Disposition: form-data` with a name.
    init(_ text: String) throws(Fault) {
        var fields: [String: String] = [:]
        // A line that begins with space continues the one before (RFC 5322); browsers do not send that, and a sender that hides a header so
        // gets an error.
        for line in text.split(separator: "\r\n") {
            guard let colon = line.firstIndex(of: ":") else { throw .multipart("A header line of a part has no colon.") }
            let name = line[..<colon].lowercased()
            guard !name.isEmpty, name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }) else {
                throw .multipart("The headers of a part are malformed.")
            }
            guard fields.updateValue(String(line[line.index(after: colon)...].trimmed), forKey: name) == nil else {
                throw .multipart("A part has the header \(name) twice.")
            }
        }
        let disposition = HeaderParameters(fields["content-disposition"] ?? "")
        guard let disposition, disposition.value == "form-data", let name = disposition["name"] else {
            throw .multipart("A part has no `Content-Disposition: form-data` with a name.")
        }
        guard name.utf8.count <= Self.maxNameLength, (disposition["filename"] ?? "").utf8.count <= Self.maxFilenameLength else {
            throw .multipart("The name of a part is longer than \(Self.maxNameLength) bytes, or its file name than \(Self.maxFilenameLength).")
        }
        self.name = name
        filename = disposition["filename"]
        contentType = (fields["content-type"] ?? "").lowercased()
        contentEncoding = (fields["content-encoding"] ?? "").lowercased()
    }
}

/// A header value with parameters: `form-data; name="file"; filename="a.xml"`.
struct HeaderParameters: Equatable, Sendable {
    /// What stands before the first semicolon, in lower case.
    let value: String
    private let parameters: [String: String]

    subscript(_ name: String) -> String? { parameters[name] }

    /// `nil` when a parameter is malformed or given twice.
    init?(_ text: String) {
        var rest = Substring(text)
        value = rest.prefix { $0 != ";" }.trimmed.lowercased()
        rest = rest.drop { $0 != ";" }
        var parameters: [String: String] = [:]
        while rest.first == ";" {
            rest = rest.dropFirst().trimmedStart
            if rest.isEmpty { break }
            let name = rest.prefix { $0 != "=" && $0 != ";" }.trimmed.lowercased()
            rest = rest.dropFirst(rest.prefix { $0 != "=" && $0 != ";" }.count)
            guard rest.first == "=", !name.isEmpty else { return nil }
            rest = rest.dropFirst().trimmedStart
            var text = ""
            if rest.first == "\"" {
                rest = rest.dropFirst()
                // A backslash escapes only quote and backslash: browsers send Windows paths with plain backslashes.
                while let character = rest.first, character != "\"" {
                    rest = rest.dropFirst()
                    if character == "\\", let next = rest.first, next == "\"" || next == "\\" {
                        text.append(next)
                        rest = rest.dropFirst()
                    } else {
                        text.append(character)
                    }
                }
                guard rest.first == "\"" else { return nil }
                rest = rest.dropFirst().trimmedStart
                guard rest.isEmpty || rest.first == ";" else { return nil }
            } else {
                text = String(rest.prefix { $0 != ";" }.trimmed)
                rest = rest.drop { $0 != ";" }
            }
            guard parameters.updateValue(text, forKey: name) == nil else { return nil }
        }
        self.parameters = parameters
    }
}

extension StringProtocol where SubSequence == Substring {
    var trimmedStart: Substring { drop { $0 == " " || $0 == "\t" } }

    var trimmed: Substring {
        var text = trimmedStart
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text
    }
}
