/// Makes a failure's signature from what Execution delivers: message, type and trace, and which test it was.
///
/// The design follows Sentry's grouping (develop.sentry.dev, "Grouping"): type, then the calls of the application before those of libraries, then the
/// message. Two things differ, for a failing test is not a crash. Frames of the test itself do not tell failures apart as long as the message does,
/// so that fifty tests without a database are one group. When the message says nothing of its own (an assertion, "failed", a bare timeout) and no
/// application code appears in the trace, the test itself is the origin, so that short messages of different tests never fall together.
package struct FailureSigner: ~Copyable {
    private let bounds: GroupingEdition.Signing
    private var scanner = LineScanner()

    package init(_ edition: GroupingEdition = .current) {
        bounds = edition.signing
    }

    /// - Parameter code: why an HTTP case had no answer, or how it was answered; stands in for a type. Empty for other tests.
    package mutating func signature(
        message: String, type: String, trace: String, code: String = "", className: String, test: String
    ) -> Signature {
        let trace = StackTrace(trace)
        let message = StackTrace(message)
        var (type, lines) = Self.typeAndText(
            type.isEmpty ? code : type, message.text.isEmpty ? trace.text : message.text, isPython: !message.frames.isEmpty,
            maxLines: bounds.maxLines)
        scanner.scan(String(lines.joined(separator: "\n").prefix(bounds.maxMessage)))
        var text = scanner.signature
        if text.isEmpty { text = "-" }
        type = String(type.prefix(bounds.maxName))
        let frames = trace.frames + message.frames
        return Signature(origin: Self.origin(type, frames, text, className, test, within: bounds), text: text)
    }

    // MARK: Type and text

    private static let silentTypes: Set<String> = ["", "error", "exception", "failure", "failed", "fail", "throwable", "assertion"]
    private static let typeEndings = ["Error", "Exception", "Failure", "Fault", "Panic", "Failed"]

    /// The type without its packages, and the lines that count, without the type at their head.
    private static func typeAndText(_ type: String, _ lines: [Substring], isPython: Bool, maxLines: Int) -> (String, [Substring]) {
        // pytest marks the lines that matter with E; a trace within a message ends with what was raised.
        let marked = lines.filter { $0.hasPrefix("E ") }.map { $0.dropFirst(2).trimmed }
        var lines = Array((!marked.isEmpty ? marked : isPython ? lines.suffix(1) : lines).prefix(maxLines))
        var type = Substring(type).trimmed
        if let first = lines.first {
            let head = first.prefix { $0 != ":" && $0 != " " }
            let isHead = !head.isEmpty && (head == type || head.hasSuffix("." + type) || typeEndings.contains { head.hasSuffix($0) })
            let rest = first.dropFirst(head.count).trimmed
            if isHead, rest.hasPrefix(":") {
                lines[0] = rest.dropFirst().trimmed
                if type.isEmpty || silentTypes.contains(type.lowercased()) { type = head }
            }
        }
        let name = type.split { $0 == "." || $0 == ":" || $0 == "\\" || $0 == "/" }.last ?? ""
        return (silentTypes.contains(name.lowercased()) ? "" : String(name), lines)
    }

    // MARK: Origin

    private static func origin(
        _ type: String, _ frames: [StackFrame], _ text: String, _ className: String, _ test: String, within bounds: GroupingEdition.Signing
    ) -> String {
        if let frame = frames.first(where: { $0.owner == .application }) { return type + "\n" + frame.name }
        if saysNothing(type, text, needing: bounds.minOwnWords) {
            return type + "\n" + className.prefix(bounds.maxName) + "\n" + unparameterised(test.prefix(bounds.maxName))
        }
        if !frames.contains(where: { $0.owner == .test }), let frame = frames.first { return type + "\n" + frame.name }
        return type
    }

    /// A parameterised test is one test: `adds(1, 2)`, `adds[chrome]`.
    private static func unparameterised(_ name: Substring) -> String {
        let head = name.prefix { $0 != "(" && $0 != "[" }.trimmed
        return String(head.isEmpty ? name : head)
    }

    /// Words that any failure may be reported with.
    private static let stock: Set<String> = [
        "actual", "and", "any", "are", "assert", "assertion", "been", "but", "did", "does", "equal", "equals", "error", "errors", "exceeded",
        "exception",
        "expect", "expected", "expecting", "expects", "fail", "failed", "fails", "failing", "failure", "failures", "for", "found", "from", "got",
        "had",
        "has", "have", "instead", "into", "its", "match", "matched", "matches", "message", "not", "occurred", "out", "received", "result", "returned",
        "should", "some", "something", "test", "tests", "than", "that", "the", "then", "this", "timed", "timeout", "unexpected", "value", "values",
        "was",
        "went", "were", "when", "which", "with", "wrong",
    ]

    static func isStock(_ word: String) -> Bool { stock.contains(word) }

    private static func saysNothing(_ type: String, _ text: String, needing minOwnWords: Int) -> Bool {
        let type = type.lowercased()
        if type.contains("assert") || type.contains("expectation") || type.contains("comparison") { return true }
        var own = 0
        for (word, place) in zip(Skeleton.tokens(of: text), Skeleton(text).places) where place == .word {
            let word = word.lowercased()
            if word.hasPrefix("assert") || word.hasPrefix("expect") { return true }
            if word.utf8.count(where: \.isLetter) >= 3, !stock.contains(word) { own += 1 }
        }
        return own < minOwnWords
    }
}
