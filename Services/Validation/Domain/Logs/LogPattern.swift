import Foundation
import Primitives

/// What lines of a project's logs look like, taken together by the miner that groups failures (`GroupingIndex`). Its id is that of the signature in
/// it that was seen first.
struct LogPattern: Identified, Sendable {
    static let idPrefix = "lpt"

    let id: ID<LogPattern>
    let template: String
    let level: LogLevel
    /// What the machine says.
    let judged: Category?
    /// What a person says instead, unknown for none; `nil` where nobody does.
    let said: Category?
    let lines: Int64
    let runs: Int64
    let firstSeen: Date
    let lastSeen: Date
    let lastRun: ID<Run>
    private(set) var sample = ""
    /// Of `judged`; `nil` for what was learnt before receipts were kept.
    private(set) var receipt: LogReceipt?

    /// What holds.
    var category: Category? { Category.standing(said, over: judged) }

    func showing(_ sample: String, _ receipt: LogReceipt?) -> LogPattern {
        var pattern = self
        (pattern.sample, pattern.receipt) = (sample, receipt)
        return pattern
    }
}

enum LogPatternSort: String, Sendable { case lastSeen, lines, id }

/// Where a pattern stands in a list; the greatest comes first.
struct LogPatternCursor: CustomStringConvertible {
    let sort: LogPatternSort
    /// Microseconds since 1970, or lines; 0 where the id alone gives the order.
    let value: Int64
    let pattern: ID<LogPattern>

    init(_ pattern: LogPattern, by sort: LogPatternSort) {
        self.sort = sort
        self.pattern = pattern.id
        value =
            switch sort {
            case .lastSeen: Int64((pattern.lastSeen.timeIntervalSince1970 * 1_000_000).rounded())
            case .lines: pattern.lines
            case .id: 0
            }
    }

    /// - Throws: `page.invalid_cursor`, also for one of a list in another order.
    init?(_ text: String?, by sort: LogPatternSort) throws(Fault) {
        guard let text else { return nil }
        let parts = text.split(separator: "~")
        guard parts.count == 3, parts[0] == sort.rawValue, let value = Int64(parts[1]), let pattern = try? ID<LogPattern>(String(parts[2])) else {
            throw .invalidCursor
        }
        (self.sort, self.value, self.pattern) = (sort, value, pattern)
    }

    static func < (one: LogPatternCursor, other: LogPatternCursor) -> Bool { (one.value, one.pattern) < (other.value, other.pattern) }
    static func > (one: LogPatternCursor, other: LogPatternCursor) -> Bool { other < one }
    var description: String { "\(sort.rawValue)~\(value)~\(pattern)" }
}

/// What a list of patterns is narrowed to.
struct LogFilter: Sendable {
    var levels: [LogLevel] = []
    var categories: [Category] = []
    /// Of the template, in any case.
    var text = ""
    var onlyNew = false

    func takes(_ level: LogLevel, _ category: Category?, _ template: String) -> Bool {
        (levels.isEmpty || levels.contains(level)) && (categories.isEmpty || category.map(categories.contains) ?? false)
            && (text.isEmpty || template.lowercased().contains(text.lowercased()))
    }
}

/// A file of a run, of which pieces come to be read.
enum Artifact: Identified { static let idPrefix = "art" }

/// A piece of a log, as Execution delivers it.
struct LogPiece: Sendable {
    let scope: ProjectScope
    let run: ID<Run>
    let artifact: ID<Artifact>
    let number: Int32
    let isLast: Bool
    let isCut: Bool
    let isUnreadable: Bool
    /// Nothing is learnt from what is not trusted.
    let isTrusted: Bool
    let branch: String
    let startedAt: Date
}
