/// Rows of a table as RFC 4180 writes them, safe to open in a spreadsheet (T92; OWASP "CSV Injection").
enum CSVText {
    /// What makes spreadsheets take a text for a formula when a cell begins with it.
    private static let formulaStarts: Set<UInt8> = Set("=+-@\t\r\n\0".utf8)

    /// A text that people wrote: one that a spreadsheet would carry out gets an apostrophe before it, which spreadsheets do not show.
    static func cell(text: String) -> String {
        guard let first = text.utf8.first else { return "" }
        return quoted(formulaStarts.contains(first) ? "'" + text : text)
    }

    /// Numbers, booleans and JSON, which no spreadsheet takes for a formula.
    static func cell(literal: String) -> String { quoted(literal) }

    static func row(_ cells: [String]) -> String { cells.joined(separator: ",") + "\r\n" }

    private static func quoted(_ text: String) -> String {
        guard text.utf8.contains(where: { [UInt8(ascii: ","), UInt8(ascii: "\""), UInt8(ascii: "\r"), UInt8(ascii: "\n")].contains($0) }) else {
            return text
        }
        return "\"" + text.replacing("\"", with: "\"\"") + "\""
    }
}
