import Primitives

/// What a format whose reports are one JSON object a line makes of them.
protocol LineDialect: AnyObject {
    var sink: ReportSink { get }
    func take(_ record: JSONValue, line: Int)
    /// A line that is no JSON object.
    /// - Returns: whether it means something.
    func takeOther(_ line: Substring) -> Bool
    /// The file is at its end.
    /// - Returns: whether something was cut off.
    func end() -> Bool
}

/// Reads lines of JSON. Lines that are none are counted: tools let output of what they run slip in between.
struct LineRecords {
    private var lines: LineReader
    private var others = 0
    private var firstOther = 0

    init(_ sink: ReportSink) {
        lines = LineReader(limit: sink.limits.lineBytes)
    }

    mutating func feed(_ bytes: UnsafeBufferPointer<UInt8>, to dialect: some LineDialect) {
        var read: [(LineReader.Line, Int)] = []
        lines.feed(bytes) { read.append((Self.copy($0), $1)) }
        for (line, number) in read { take(line, number, dialect) }
    }

    mutating func finish(_ dialect: some LineDialect) -> ReportSummary {
        var read: [(LineReader.Line, Int)] = []
        lines.finish { read.append((Self.copy($0), $1)) }
        // A last line that breaks off is the end of a file that was cut.
        var isCut = false
        for (line, number) in read {
            let before = others
            take(line, number, dialect)
            if others > before, case .text(let text) = line, text.first == UInt8(ascii: "{") {
                isCut = true
                others = before
            }
        }
        if others > 0 {
            dialect.sink.warn("report.lines_passed_over", line: firstOther, "\(others) lines are no JSON objects and were passed over")
        }
        let isUnfinished = dialect.end()
        if isCut {
            // Tests that were running are errors by themselves.
            if !isUnfinished { dialect.sink.cut = CutReport() }
            dialect.sink.warn("report.truncated", "the last line ends too early; what came before was taken")
        }
        dialect.sink.reportUnknown()
        return ReportSummary(isReport: true, incomplete: isCut || isUnfinished)
    }

    /// Slices are good during the call only.
    private static func copy(_ line: LineReader.Line) -> LineReader.Line {
        if case .text(let text) = line { .text(ArraySlice(Array(text))) } else { line }
    }

    private mutating func take(_ line: LineReader.Line, _ number: Int, _ dialect: some LineDialect) {
        switch line {
        case .tooLong: dialect.sink.reject("report.line_too_long", line: number, "a line is longer than \(dialect.sink.limits.lineBytes >> 20) MiB")
        case .text(let text):
            guard text.contains(where: { $0 != 0x20 && $0 != 0x09 }) else { return }
            if let record = try? JSONParser.parse(text), case .object = record { return dialect.take(record, line: number) }
            if dialect.takeOther(String(decoding: text, as: UTF8.self)[...]) { return }
            others += 1
            if firstOther == 0 { firstOther = number }
        }
    }
}
