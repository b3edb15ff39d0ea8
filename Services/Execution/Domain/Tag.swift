import Crypto
import Foundation
import Primitives

/// A word about results by which they are found again: `browser:chrome`, or a key alone, `smoke`. The key ends at the first colon.
struct Tag: Hashable, Comparable, Sendable {
    /// Unicode scalars of a key, of a value, and of both with the colon.
    static let keyLimit = 100
    static let valueLimit = 500
    static let textLimit = keyLimit + 1 + valueLimit
    /// Of one result by itself.
    static let perResult = 20

    let text: String

    /// What every result has: found under it is found in the project.
    static let everything = Tag(unchecked: "")

    private init(unchecked text: String) {
        self.text = text
    }

    /// - Returns: `nil` for what is no tag: without a key, too long, or with line ends or other control characters.
    init?(key: String, value: String) {
        guard !key.isEmpty, key.unicodeScalars.count <= Self.keyLimit, value.unicodeScalars.count <= Self.valueLimit else { return nil }
        let text = value.isEmpty ? key : "\(key):\(value)"
        guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { return nil }
        self.text = text
    }

    /// - Throws: `request.invalid` naming `field`.
    init(_ text: String, field: String) throws(Fault) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let tag = Tag(key: String(parts[0]), value: parts.count > 1 ? String(parts[1]) : "") else {
            throw .invalidField(field, "invalid", "A tag is a key, or key:value, of up to \(Self.keyLimit) and \(Self.valueLimit) characters.")
        }
        self = tag
    }

    var key: String { String(text.prefix { $0 != ":" }) }
    var value: String { String(text.dropFirst(key.count + 1)) }

    /// UUIDv8 of the SHA-256 of the project's 16 bytes, `tag`, and the text: computed and nowhere looked up, like a test's.
    func id(in project: ID<Project>) -> UUID {
        var hash = SHA256()
        withUnsafeBytes(of: project.uuid.uuid) { hash.update(bufferPointer: $0) }
        hash.update(data: Data(("tag" + text).utf8))
        return .version8(digest: hash.finalize())
    }

    static func < (left: Tag, right: Tag) -> Bool { left.text < right.text }
}

extension Tag {
    /// What a run says of all its results: that they are there, its tags, branch and environment.
    static func ofAll(tags: [String: String], branch: String, environment: String) -> Set<Tag> {
        var found: Set<Tag> = [.everything]
        for (key, value) in tags { if let tag = Tag(key: key, value: value) { found.insert(tag) } }
        if let tag = Tag(key: "branch", value: branch), !branch.isEmpty { found.insert(tag) }
        if let tag = Tag(key: "environment", value: environment), !environment.isEmpty { found.insert(tag) }
        return found
    }
}
