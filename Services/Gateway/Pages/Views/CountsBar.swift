import CommonAPI

/// How many tests ended how, as a bar and as figures.
struct CountsBar: Sendable {
    /// For those who do not see the bar.
    let summary: String
    let segments: [Segment]
    let figures: [Figure]

    struct Segment: Sendable {
        let css: String
        /// Hundredths of the bar.
        let x: Double
        let width: Double
    }

    struct Figure: Sendable {
        let css: String
        let glyph: String
        let label: String
        let count: String
        let isZero: Bool
    }

    /// What is there at all can be seen, however little it is: one failure among 100,000 tests matters most.
    private static let leastWidth = 1.5

    init(_ counts: PBCounts) {
        let parts: [(badge: Badge, number: Int64)] = [
            (.passed, counts.passed), (.failed, counts.failed), (.errored, counts.errored), (.skipped, counts.skipped), (.pending, counts.pending),
        ]
        let total = parts.reduce(0) { $0 + max(0, $1.number) }
        summary =
            total == 0
            ? "No tests"
            : parts.filter { $0.number > 0 }.map { "\(NumberText.grouped($0.number)) \($0.badge.label.lowercased())" }.joined(separator: ", ")
        figures = parts.map {
            Figure(
                css: $0.badge.css, glyph: $0.badge.glyph, label: $0.badge.label.lowercased(), count: NumberText.grouped($0.number),
                isZero: $0.number <= 0)
        }
        var widths = parts.map { part in
            part.number <= 0 ? 0 : max(Self.leastWidth, Double(part.number) / Double(max(1, total)) * 100)
        }
        let sum = widths.reduce(0, +)
        if sum > 100 { widths = widths.map { $0 / sum * 100 } }
        var x = 0.0
        segments = zip(parts, widths).map { part, width in
            defer { x += width }
            return Segment(css: part.badge.css, x: NumberText.coordinate(x), width: NumberText.coordinate(width))
        }
    }
}
