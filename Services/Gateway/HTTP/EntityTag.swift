import Primitives

/// Entity tags (RFC 9110, section 8.8.3).
///
/// An object with a version has a strong tag `"<version>.<digest>"`: the digest tells answers apart that differ though the object does not (the next
/// ticks of a schedule), the version is what `If-Match` is about. Everything else has a weak tag, for caches only.
enum EntityTag {
    /// `version` is 0 for what has none.
    static func of(_ json: [UInt8], version: Int64) -> String {
        version > 0 ? "\"\(version).\(digest(json))\"" : weak(json)
    }

    static func weak(_ bytes: [UInt8]) -> String { "W/\"\(digest(bytes))\"" }

    /// FNV-1a. Enough to tell that nothing has changed; nobody gains by a collision in their own answers.
    private static func digest(_ bytes: [UInt8]) -> String {
        String(bytes.reduce(UInt64(0xCBF2_9CE4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }, radix: 36)
    }

    /// Of an answer that depends on nothing but the request and a revision (`Trend.revision`): it is known before there is an answer, so whoever comes with
    /// it is told 304 without one. The request is in it, because one revision has many answers.
    static func of(path: String, query: [(name: String, value: String)], revision: Int64) -> String {
        let request = ([path] + query.flatMap { [$0.name, $0.value] }).joined(separator: "\0")
        return "W/\"\(revision).\(digest(Array(request.utf8)))\""
    }

    /// The revision of the answer that the client has, 0 without one.
    static func revision(ifNoneMatch header: String?, path: String, query: [(name: String, value: String)]) -> Int64 {
        for tag in (header ?? "").split(separator: ",").prefix(mostTags) {
            guard let number = tag.trimmed.dropFirst(3).split(separator: ".").first.flatMap({ Int64($0) }), number > 0 else { continue }
            if tag.trimmed == of(path: path, query: query, revision: number) { return number }
        }
        return 0
    }

    private static let mostTags = 10

    /// No object has it: what a tag that is not one of ours asks for.
    static let noVersion: Int64 = -1

    /// The version that `If-Match` names (RFC 9110, section 13.1.1); 0 where any will do.
    /// - Throws: `precondition_required` when it is absent and required, `precondition.malformed`.
    static func version(ifMatch header: String?, isRequired: Bool) throws(Fault) -> Int64 {
        guard let header else {
            if isRequired { throw .ifMatchMissing }
            return 0
        }
        let text = header.trimmed
        if text == "*" { return 0 }
        // Weak tags never match (section 8.8.3.2).
        let isWeak = text.hasPrefix("W/")
        let quoted = isWeak ? text.dropFirst(2) : text
        let inner = quoted.dropFirst().dropLast()
        guard quoted.utf8.count >= 2, quoted.hasPrefix("\""), quoted.hasSuffix("\""), inner.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x22 && $0 != 0x7F })
        else { throw .ifMatchMalformed }
        guard !isWeak, let version = Int64(inner.prefix { $0 != "." }), version > 0 else { return noVersion }
        return version
    }
}
