/// What an assertion compares. The principle: its operands are the test's data, not a report of what happened. That a page says "Access denied"
/// where another was expected does not mean that the test was denied anything. Operands are
///
/// - what stands in quotes in a text that compares, or in `<…>` or `[…]` behind "expected", "but was", "found", …;
/// - the rest of a line behind a label (`Expected: `, `Received string: `, `right: `), and the lines of a diff;
/// - what was expected, also without quotes ("expected X but …", "…, want X"): it is what did *not* happen.
///
/// What was had instead, without quotes and in a sentence ("expected a page but got connection refused"), are the program's own words and stay.
enum Comparison {
    private static let marks = TextScanner(
        ["expected", "want", "wanted"].map { TextScanner.Needle(text: $0, isWhole: true) }
            + [
                "expecting ", "expect(", "assert", "but was", "but got", " == ", " != ", " === ", " !== ", "not equal", "to equal", "should be",
                "should equal", "should contain", "should match", "not found in", "unexpectedly found in",
            ].map { TextScanner.Needle(text: $0, isWhole: false) })

    /// The report calls it a failure and not an error, or its type or message is an assertion's.
    static func isSaid(by symptoms: Symptoms) -> Bool {
        if symptoms.outcome == .failed { return true }
        let type = symptoms.type.lowercased()
        return ["assert", "expectation", "comparison"].contains { type.contains($0) } || symptoms.message.lowercased().contains("assert")
    }

    /// - Returns: as many bytes, with zeros in the place of operands; the text itself when it compares nothing.
    static func blankingOperands(in text: [UInt8]) -> [UInt8] {
        guard marks.places(in: text).contains(where: { $0 >= 0 }) else { return text }
        let lower = text.map { (65...90).contains($0) ? $0 | 32 : $0 }
        let lines = lower.split(separator: UInt8(ascii: "\n"))
        var blank = text
        for operand in Operands.quoted(in: lower) + lines.flatMap(Operands.unquoted) + Operands.diff(lines) {
            // Words of a needle that stand on both sides of it must not meet: a zero is in none.
            for place in operand { blank[place] = 0 }
        }
        return blank
    }
}
