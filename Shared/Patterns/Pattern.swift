import CPCRE2

/// A regular expression that a user wrote, safe to run on texts that others wrote: what it may cost is bounded before it runs.
///
/// PCRE2 (`man pcre2pattern`), interpreted. Texts are UTF-8; bytes that are not match nothing. `.` stops at line ends, `^` and `$` mean the whole text, case
/// counts: `(?s)`, `(?m)` and `(?i)` change that. `\C` is refused. Immutable: threads may share one.
package final class Pattern: Sendable {
    /// UTF-8 bytes of a pattern.
    package static let maxBytes = 1024
    /// Bytes of a compiled pattern: some 10,000 states of four bytes, callouts included (`x{1000}` once, not of itself).
    package static let maxCompiledBytes = 40_000
    /// Bytes of a text.
    package static let maxSubjectBytes = 1 << 20
    private static let maxNesting: UInt32 = 50

    package let text: String
    /// Given to PCRE2 again and again, never changed, freed with the object: so it may be shared.
    private let code: Code

    /// - Throws: what is wrong with it.
    package init(_ text: String) throws(PatternRefusal) {
        var bytes = Array(text.utf8)
        guard bytes.count <= Self.maxBytes else { throw .tooLong }
        var error: Int32 = 0
        var offset = 0
        // PCRE2 wants an address even of nothing.
        bytes.append(0)
        guard let compiled = pattern_compile(bytes, bytes.count - 1, &error, &offset, Self.maxNesting) else {
            if error == PCRE2_ERROR_PATTERN_TOO_LARGE || error == PCRE2_ERROR_PATTERN_TOO_COMPLICATED { throw .tooLarge }
            throw .malformed(Self.words(of: error), offset: offset)
        }
        code = Code(compiled)
        guard pattern_size(compiled) <= Self.maxCompiledBytes else { throw .tooLarge }
        self.text = text
    }

    /// Looks for the leftmost match. The same pattern and text run out of steps at the same step again.
    package func search(_ subject: [UInt8], budget: PatternBudget = .standard) -> PatternSearch {
        guard subject.count <= Self.maxSubjectBytes else { return PatternSearch(outcome: .overBudget, steps: 0, elapsed: .zero) }
        // PCRE2 wants an address even of nothing.
        let found = run(on: subject.isEmpty ? [0] : subject, subject.count, budget)
        let outcome: PatternSearch.Outcome =
            switch found.status {
            case PCRE2_ERROR_NOMATCH: .absent
            // `\K` in a look-ahead can put the start behind the end.
            case 0...: found.start <= found.end ? .found(found.start..<found.end) : .absent
            // PCRE2 knows no other errors here than its own limits and no memory, which are costs as well.
            default: .overBudget
            }
        return PatternSearch(outcome: outcome, steps: Int(clamping: found.steps), elapsed: .nanoseconds(Int64(clamping: found.nanoseconds)))
    }

    private func run(on bytes: [UInt8], _ count: Int, _ budget: PatternBudget) -> pattern_match {
        pattern_search(
            code.pointer, bytes, count, UInt64(max(0, budget.steps)), UInt64(max(0, budget.time.nanoseconds)), PatternBudget.depth,
            PatternBudget.heapKibibytes)
    }

    private static func words(of error: Int32) -> String {
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = pattern_message(error, &buffer, buffer.count)
        return count > 0 ? String(decoding: buffer.prefix(Int(count)), as: UTF8.self) : "PCRE2 refuses it (\(error))"
    }

    private final class Code: @unchecked Sendable {
        let pointer: UnsafeMutableRawPointer

        init(_ pointer: UnsafeMutableRawPointer) { self.pointer = pointer }
        deinit { pattern_free(pointer) }
    }
}

/// What came of a search, and what it cost.
package struct PatternSearch: Sendable {
    package enum Outcome: Sendable, Equatable {
        /// In bytes of the text.
        case found(Range<Int>)
        case absent
        /// `regex_budget`: it would have cost more than allowed to find out.
        case overBudget
    }

    package static let overBudgetCode = "regex_budget"

    package let outcome: Outcome
    package let steps: Int
    /// Processor time of the thread.
    package let elapsed: Duration
}

/// What one search may cost.
package struct PatternBudget: Sendable {
    /// Items of the pattern that are tried, over all places where a match could begin. This is what decides, and it is the same on every machine.
    package var steps = 200_000
    /// Processor time of the thread, for items that each scan far.
    package var time = Duration.milliseconds(50)

    package static let standard = PatternBudget()

    /// Nested alternatives that are kept open, and what they take. 10,000 on a text of 8 KiB are not a pattern that finds words.
    static let depth: UInt32 = 10_000
    static let heapKibibytes: UInt32 = 8 * 1024

    package init() {}
}

/// Why a text is no pattern.
package enum PatternRefusal: Error, Equatable {
    /// More than `Pattern.maxBytes`.
    case tooLong
    /// PCRE2's words, and the byte that they are about.
    case malformed(String, offset: Int)
    /// Compiled more than `Pattern.maxCompiledBytes`, or more than PCRE2 can hold.
    case tooLarge
}

extension Duration {
    fileprivate var nanoseconds: Int64 { components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000 }
}
