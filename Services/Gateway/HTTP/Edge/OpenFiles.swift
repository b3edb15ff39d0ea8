import Foundation

/// How many files and sockets this process may have open, `ulimit -n`.
enum OpenFiles {
    /// Kept back from clients: connections to the database, to the other services and between the threads, logs, the listening sockets.
    static let reserve = 96

    /// Read from the line `Max open files  SOFT  HARD  files`, see proc(5); without one there is no limit to know.
    static let limit: Int = {
        guard let limits = try? String(contentsOfFile: "/proc/self/limits", encoding: .utf8),
            let line = limits.split(separator: "\n").first(where: { $0.hasPrefix("Max open files") })
        else { return .max }
        let words = line.dropFirst("Max open files".count).split(separator: " ")
        return words.first.flatMap { Int($0) } ?? .max
    }()
}
