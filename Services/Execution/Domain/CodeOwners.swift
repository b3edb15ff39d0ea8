import Foundation

/// Who owns which files: the text of a CODEOWNERS file, read as GitHub reads it, with GitLab's sections.
///
/// Of each section the last line that matches a path holds; a line without owners says that nobody does. Lines that are not understood are passed over
/// and listed, as both do. (docs.github.com, "About code owners"; docs.gitlab.com, "Code Owners syntax")
struct CodeOwners: Sendable {
    static let mostRules = 20_000
    static let mostProblems = 100
    /// Owners of one file that become tags.
    static let mostOwners = 10
    /// The key of these tags.
    static let tagKey = "owner"

    struct Rule: Sendable {
        let pattern: OwnersPattern
        let owners: [String]
        let line: Int
    }

    struct Problem: Equatable, Sendable {
        let line: Int
        let detail: String
    }

    private(set) var sections: [[Rule]] = [[]]
    private(set) var problems: [Problem] = []

    var ruleCount: Int { sections.reduce(0) { $0 + $1.count } }

    init(_ text: String) {
        var defaults: [String] = []
        var count = 0
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let line = (number: index + 1, words: Self.words(line))
            guard let first = line.words.first else { continue }
            if let header = Self.header(line.words) {
                defaults = header
                sections.append([])
                continue
            }
            guard count < Self.mostRules else {
                note(line.number, "there are more than \(Self.mostRules) lines")
                return
            }
            let owners = line.words.dropFirst().filter(Self.isOwner)
            if owners.count < line.words.count - 1 { note(line.number, "an owner is @name, @organization/team or an address") }
            do {
                let pattern = try OwnersPattern(first)
                sections[sections.count - 1].append(Rule(pattern: pattern, owners: line.words.count == 1 ? defaults : owners, line: line.number))
                count += 1
            } catch {
                note(line.number, error.detail)
            }
        }
    }

    /// - Parameter path: from the repository's root. What is known to be the machine's own in front of it is left out.
    func owners(of path: String) -> (owners: [String], lines: [Int]) {
        let segments = Self.segments(path)
        guard !segments.isEmpty, segments.count <= 100 else { return ([], []) }
        var found: (owners: [String], lines: [Int]) = ([], [])
        for section in sections {
            guard let rule = section.last(where: { $0.pattern.matches(segments) }) else { continue }
            found.lines.append(rule.line)
            for owner in rule.owners where !found.owners.contains(owner) { found.owners.append(owner) }
        }
        return found
    }

    /// Where CIs check a repository out, with how many further parts of the path belong to that place.
    private static let workspaces: [(root: [String], further: Int)] = [
        (["home", "runner", "work"], 2), (["github", "workspace"], 0), (["__w"], 2), (["builds"], 2), (["workspace"], 0),
        (["bitbucket", "pipelines", "agent", "build"], 0), (["home", "circleci"], 1), (["root", "project"], 0),
        (["var", "jenkins_home", "workspace"], 1),
        (["home", "vsts", "work", "1", "s"], 0),
    ]

    static func segments(_ path: String) -> [ArraySlice<UInt8>] {
        let parts = path.replacing("\\", with: "/").split(separator: "/").filter { $0 != "." }
        var dropped = 0
        if path.hasPrefix("/"), let workspace = workspaces.first(where: { parts.starts(with: $0.root, by: { $0 == $1 }) }) {
            dropped = workspace.root.count + workspace.further
        }
        return parts.dropFirst(dropped).map { Array($0.utf8)[...] }
    }

    private mutating func note(_ line: Int, _ detail: String) {
        if problems.count < Self.mostProblems { problems.append(Problem(line: line, detail: detail)) }
    }

    /// Words up to a comment. A backslash takes the meaning from a space or a `#`.
    private static func words(_ line: Substring) -> [String] {
        var words: [String] = []
        var word = ""
        var isEscaped = false
        // `[Section name]` may hold spaces.
        var isHeader = false
        for character in line {
            if isEscaped {
                word.append(character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else if character == "#", word.isEmpty {
                break
            } else if character.isWhitespace, !isHeader {
                if !word.isEmpty { words.append(word) }
                word = ""
            } else {
                if words.isEmpty, character == "[", word.isEmpty || word == "^" { isHeader = true }
                if character == "]" { isHeader = false }
                word.append(character)
            }
        }
        if !word.isEmpty { words.append(word) }
        return words
    }

    /// `[Name]`, `^[Name]`, `[Name][2]`, with the owners of lines that name none.
    private static func header(_ words: [String]) -> [String]? {
        guard let first = words.first, first.hasPrefix("[") || first.hasPrefix("^["), first.hasSuffix("]") else { return nil }
        return words.dropFirst().filter(isOwner)
    }

    private static func isOwner(_ word: String) -> Bool {
        word.count > 1 && word.utf8.count <= 300 && word.contains("@")
    }
}
