/// Rows under headings, as wide as what is in them; the last column is cut where the terminal ends.
struct Table {
    struct Column {
        let title: String
        var isNumber = false
    }

    let columns: [Column]
    var rows: [[String]] = []

    /// - Parameters:
    ///   - width: of the terminal; nothing is cut without.
    ///   - paint: colours a cell, after its width is settled.
    func text(width: Int? = nil, paint: (_ column: Int, _ cell: String, _ padded: String) -> String = { _, _, padded in padded }) -> String {
        let cells = rows.map { row in row.map(Self.line) }
        var widths = columns.map(\.title.count)
        for row in cells { for (index, cell) in row.enumerated() { widths[index] = max(widths[index], cell.count) } }
        if let width, let last = widths.indices.last {
            let others = widths.dropLast().reduce(0, +) + 2 * last
            widths[last] = min(widths[last], max(10, width - others))
        }
        let head = padded(columns.map(\.title), widths).joined(separator: "  ")
        let body = cells.map { row in
            zip(padded(row, widths).indices, padded(row, widths)).map { paint($0, row[$0], $1) }.joined(separator: "  ")
        }
        return ([head] + body).map(Self.withoutTrailingSpace).joined(separator: "\n")
    }

    private func padded(_ row: [String], _ widths: [Int]) -> [String] {
        row.enumerated().map { index, cell in
            var cell = cell
            if cell.count > widths[index] { cell = cell.prefix(widths[index] - 1) + "…" }
            let space = String(repeating: " ", count: widths[index] - cell.count)
            return columns[index].isNumber ? space + cell : cell + space
        }
    }

    /// What others wrote must not move the cursor or break the table.
    static func line(_ text: String) -> String {
        String(
            text.map { $0.isNewline || $0 == "\t" ? " " : $0 }.filter { !$0.unicodeScalars.contains { $0.properties.generalCategory == .control } })
    }

    private static func withoutTrailingSpace(_ text: String) -> String {
        var text = text[...]
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
