import Foundation
import Primitives

/// A run's logs as a whole, and what they are held against.
struct RunLogs: Sendable {
    var logs: Int64 = 0
    var lines: Int64 = 0
    var otherLines: Int64 = 0
    var cutLogs: Int64 = 0
    var unreadableLogs: Int64 = 0
    var comparedRuns: Int64 = 0
    /// Empty when they are of several.
    var comparedBranch = ""
    /// They said more than is kept of them.
    var comparedInPart = false
    var recentRuns: Int64 = 0
    /// Those of `comparedRuns`, newest first.
    var comparedWith: [ID<Run>] = []
    /// Of what tells what is new (`LogNovelty`); `nil` when there is nothing to hold it against.
    var noveltyHash: Data?
}

/// A signature of a run, as it is stored.
struct RunLogLine: Sendable {
    let signature: SignatureID
    let pattern: SignatureID
    let text: String
    let level: LogLevel
    let category: Category?
    let lines: Int64
    let sample: String
    /// In the project, where that has learnt it.
    let firstSeen: Date?
    /// The project has it, or the pattern that it was taken for.
    let isKnown: Bool
    /// By a person, of the pattern; `category` follows it.
    var said: Category?
}

/// Lines of a run that look alike.
struct RunLogPattern: Sendable {
    let id: ID<LogPattern>
    let template: String
    let level: LogLevel
    let category: Category?
    let lines: Int64
    let sample: String
    /// `nil` where there is nothing to hold it against, or not enough to say.
    let isNew: Bool?
    let seenIn: Int64
    /// The project has it, too: it can be read there.
    let isKnown: Bool
    /// What a person says that it is, unknown for none; `nil` where nobody does.
    let said: Category?

    /// A person has looked at it and says that it is nothing, however new it is and whatever level its lines give themselves.
    var isDismissed: Bool { said == Category.unknown }
    var isTrouble: Bool { !isDismissed && (level.isTrouble || category != nil) }

    /// What a person looks for first: what says that something is wrong and never said so before.
    var rank: Int { isDismissed ? 3 : (isNew == true ? 0 : 2) + (isTrouble ? 0 : 1) }

    static func precedes(_ one: RunLogPattern, _ other: RunLogPattern) -> Bool {
        (one.rank, -one.lines, one.id) < (other.rank, -other.lines, other.id)
    }

    /// Puts the signatures of one pattern together: a run has at most `LogBounds.signaturesOfRun` of them.
    /// - Parameters:
    ///   - compared: in how many of the runs that say what is new each pattern is; `nil` when there are none.
    ///   - areWhole: whether all that those runs said is known. Where it is not, what they are not known to have said may yet be nothing new.
    ///   - startedAt: when the run began.
    ///   - recent: in how many of the last runs.
    static func of(
        _ lines: [RunLogLine], compared: [SignatureID: Int64]?, areWhole: Bool = true, startedAt: Date, recent: [SignatureID: Int64]
    ) -> [RunLogPattern] {
        Dictionary(grouping: lines, by: \.pattern).map { pattern, members in
            let members = members.sorted { ($0.lines, $1.signature) > ($1.lines, $0.signature) }
            let first = members.first { $0.signature == pattern } ?? members[0]
            return RunLogPattern(
                id: ID(uuid: pattern.uuid), template: LogTemplate.of([first.text] + members.map(\.text)), level: first.level,
                category: first.category, lines: members.reduce(0) { $0 + $1.lines }, sample: first.sample,
                isNew: compared.flatMap { compared -> Bool? in
                    guard compared[pattern, default: 0] == 0 else { return false }
                    return areWhole ? true : members.compactMap(\.firstSeen).min().map { $0 >= startedAt }
                }, seenIn: recent[pattern, default: 0], isKnown: members.contains { $0.isKnown }, said: first.said)
        }
        .sorted(by: precedes)
    }
}

/// Where a page of a run's patterns ends: at one that may stand elsewhere by the next, when the log has gone on.
struct RunLogCursor: CustomStringConvertible {
    let rank: Int
    let lines: Int64
    let pattern: ID<LogPattern>

    init(_ last: RunLogPattern) { (rank, lines, pattern) = (last.rank, last.lines, last.id) }

    /// - Throws: `page.invalid_cursor`.
    init?(_ text: String?) throws(Fault) {
        guard let text else { return nil }
        let parts = text.split(separator: "~")
        guard parts.count == 3, let rank = Int(parts[0]), let lines = Int64(parts[1]), let pattern = try? ID<LogPattern>(String(parts[2])) else {
            throw .invalidCursor
        }
        (self.rank, self.lines, self.pattern) = (rank, lines, pattern)
    }

    func isBefore(_ other: RunLogPattern) -> Bool { (rank, -lines, pattern) < (other.rank, -other.lines, other.id) }
    var description: String { "\(rank)~\(lines)~\(pattern)" }
}
