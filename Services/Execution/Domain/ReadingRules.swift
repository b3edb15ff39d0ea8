import Foundation
import Primitives

/// How a project's results are read: what its people have set.
struct ReadingRules: Sendable {
    var identity: [IdentityRule] = []
    var fields: [CustomField] = []
    var owners: CodeOwners?
    /// Where `owners` are from.
    var ownersVersion: ID<CodeOwnersVersion>?
}

/// The tags that results of one upload have by themselves, by a project's rules.
struct ResultTags: Sendable {
    private let rules: ReadingRules
    /// A report names the same file over and over.
    private var owners: [String: [Tag]] = [:]
    /// What is wrong with values that a field does not take, and how often each came; the first hundred.
    private(set) var problems: [String: Int] = [:]

    init(_ rules: ReadingRules) {
        self.rules = rules
    }

    /// Those of its properties, then its file's owners.
    mutating func tags(of found: ReportedCase) -> [Tag] {
        var tags = found.tags
        if !rules.fields.isEmpty, !tags.isEmpty {
            tags = tags.map { tag in
                let (tag, problem) = rules.fields.read(tag)
                if let problem, problems[problem] != nil || problems.count < 100 { problems[problem, default: 0] += 1 }
                return tag
            }
        }
        if rules.owners != nil, !found.file.isEmpty { tags += owners(of: found.file) }
        return tags
    }

    private mutating func owners(of file: String) -> [Tag] {
        if let known = owners[file] { return known }
        let names = rules.owners?.owners(of: file).owners.prefix(CodeOwners.mostOwners) ?? []
        let tags = names.compactMap { Tag(key: CodeOwners.tagKey, value: $0) }
        // A report whose cases are a file each must not fill the memory.
        if owners.count > 10_000 { owners = [:] }
        owners[file] = tags
        return tags
    }
}
