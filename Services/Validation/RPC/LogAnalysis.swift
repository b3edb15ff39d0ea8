import Primitives

/// Reads logs by a project's rules: to learn from them, or only to say what they are. Away from the thread of the connection that they came by.
struct LogAnalysis: Sendable {
    /// Patterns of a text that are told.
    static let told = 500

    let intake: LogIntakeStore
    let words: LogVerdictStore
    let rules: RuleStore

    func record(_ text: [UInt8], of piece: LogPiece) async throws {
        let digest = await Self.digest(text)
        let known = try await intake.known(digest.found.map(\.signature.id), piece.scope)
        let judged = try await judge(digest.found.filter { known[$0.signature.id] == nil }, piece.scope)
        try await intake.record(digest, judged, of: piece)
    }

    struct Pattern: Sendable {
        let known: ID<LogPattern>?
        let template: String
        let level: LogLevel
        let category: Category?
        let lines: Int64
        let sample: String
        /// A person says that it is nothing.
        let isDismissed: Bool

        var isTrouble: Bool { !isDismissed && (level.isTrouble || category != nil) }
    }

    struct Answer: Sendable {
        let patterns: [Pattern]
        let lines: Int64
        /// Those that say something and are of none of the patterns.
        let otherLines: Int64
    }

    /// Stores nothing.
    func patterns(of text: String, _ scope: ProjectScope) async throws -> Answer {
        let digest = await Self.digest(Array(text.utf8))
        let known = try await intake.known(digest.found.map(\.signature.id), scope)
        let judged = try await judge(digest.found.filter { known[$0.signature.id] == nil }, scope)
        let said = try await known.isEmpty ? [:] : words.words(scope)
        var index = LogBounds.index
        for (place, found) in digest.found.enumerated() { index.note(found.signature, at: Int64(place)) }
        // By where the project has it, else by what the text itself shows to be the same.
        let groups = Dictionary(grouping: digest.found) { found in
            known[found.signature.id]?.pattern ?? index.group(of: found.signature.id) ?? found.signature.id
        }
        let patterns = groups.map { pattern, members in
            let first = members[0]
            let own = known[first.signature.id]
            let machine = own?.category ?? judged[first.signature.id]?.category
            let word = own.flatMap { said[$0.pattern] }
            return Pattern(
                known: own.map { ID(uuid: $0.pattern.uuid) }, template: LogTemplate.of(members.map(\.signature.text)), level: first.level,
                category: Category.standing(word, over: machine), lines: members.reduce(0) { $0 + $1.lines }, sample: first.sample,
                isDismissed: word == Category.unknown)
        }
        let sorted = patterns.sorted { one, other in
            func rank(_ pattern: Pattern) -> Int { pattern.isTrouble ? 0 : 1 }
            return (rank(one), -one.lines, one.template) < (rank(other), -other.lines, other.template)
        }
        let told = Array(sorted.prefix(Self.told))
        let others = digest.lines - digest.wordless - told.reduce(0) { $0 + $1.lines }
        return Answer(patterns: told, lines: digest.lines, otherLines: others)
    }

    private static func digest(_ text: [UInt8]) async -> LogDigest { await Task.detached { LogDigest(text) }.value }

    /// Each signature once.
    private func judge(_ found: [LogDigest.Found], _ scope: ProjectScope) async throws -> [SignatureID: LogJudgement] {
        guard !found.isEmpty else { return [:] }
        let book = try await rules.book(of: scope.project, tenant: scope.tenant)
        return await Task.detached {
            var rules = LogRules(book)
            var judged: [SignatureID: LogJudgement] = [:]
            for found in found { judged[found.signature.id] = rules.judge(found.sample, found.level) }
            return judged
        }.value
    }
}
