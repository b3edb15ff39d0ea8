import Foundation

/// Lines of one system's log with the true group of each: a table with the columns `Content` and `EventId`
/// (Zhu et al., Loghub: A Large Collection of System Log Datasets for AI-driven Log Analytics, ISSRE 2023).
struct LogSystem {
    let name: String
    private(set) var lines: [[UInt8]] = []
    private(set) var events: [String] = []

    /// Every `.csv` of the folder.
    static func read(_ folder: URL) throws -> [LogSystem] {
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil).filter { $0.pathExtension == "csv" }
        guard !files.isEmpty else { throw BenchFailure("\(folder.path) holds no .csv") }
        return try files.sorted { $0.path < $1.path }.map(LogSystem.init)
    }

    private init(_ file: URL) throws {
        name = file.deletingPathExtension().lastPathComponent
        var rows = Self.rows(try Data(contentsOf: file))
        guard !rows.isEmpty else { throw BenchFailure("\(file.path) is empty") }
        let head = rows.removeFirst().map { String(decoding: $0, as: UTF8.self) }
        guard let content = head.firstIndex(of: "Content"), let event = head.firstIndex(of: "EventId") else {
            throw BenchFailure("\(file.path) has no columns Content and EventId")
        }
        for row in rows where row.count > max(content, event) {
            lines.append(row[content])
            events.append(String(decoding: row[event], as: UTF8.self))
        }
    }

    /// As RFC 4180 has it.
    private static func rows(_ data: Data) -> [[[UInt8]]] {
        var rows: [[[UInt8]]] = []
        var row: [[UInt8]] = []
        var cell: [UInt8] = []
        var isQuoted = false
        var afterQuote = false
        for byte in data {
            switch byte {
            case UInt8(ascii: "\""):
                // Two of them within quotes are one.
                if afterQuote { cell.append(byte) }
                afterQuote = isQuoted && !afterQuote
                if !afterQuote { isQuoted = true }
                continue
            case UInt8(ascii: ",") where !isQuoted || afterQuote:
                row.append(cell)
                (cell, isQuoted) = ([], false)
            case UInt8(ascii: "\n") where !isQuoted || afterQuote:
                if cell.last == UInt8(ascii: "\r") { cell.removeLast() }
                rows.append(row + [cell])
                (row, cell, isQuoted) = ([], [], false)
            default: cell.append(byte)
            }
            afterQuote = false
        }
        return row.isEmpty && cell.isEmpty ? rows : rows + [row + [cell]]
    }
}

/// How well found groups agree with the true ones. A group is found when it has exactly the lines of a true one.
struct GroupingScore {
    /// Share of lines whose group is found (grouping accuracy; Zhu et al., ICSE-SEIP 2019).
    let accuracy: Double
    /// Harmonic mean of the found ones' shares of all groups that were made and of all true ones (Khan et al., ICSE 2022).
    let f1: Double

    init(_ groups: [some Hashable], _ events: [String]) {
        let made = Dictionary(grouping: groups.indices) { groups[$0] }
        let meant = Dictionary(grouping: events.indices) { events[$0] }
        let found = made.values.filter { meant[events[$0[0]]] == $0 }
        accuracy = Double(found.reduce(0) { $0 + $1.count }) / Double(max(1, events.count))
        f1 = 2 * Double(found.count) / Double(max(1, made.count + meant.count))
    }
}
