import Foundation
import Synchronization

/// An import under way: one line that is written over on a terminal, a line every few seconds in a log. On standard error.
final class ImportProgress: Sendable {
    private let console: Console
    private let total: Int
    private let shown = Mutex(ContinuousClock.now)

    init(console: Console, total: Int) {
        self.console = console
        self.total = total
    }

    /// - Parameter index: of the run that is next, from 0.
    func show(_ index: Int, _ label: String, _ results: Int64) {
        let now = ContinuousClock.now
        let isDue = shown.withLock { last in
            guard console.errorIsTerminal || now - last >= .seconds(5) else { return false }
            last = now
            return true
        }
        guard isDue else { return }
        let line = "run \(index + 1) of \(total) · \(results) results · \(Table.line(label).prefix(60))"
        write(console.errorIsTerminal ? "\r\u{1B}[K\(line)" : "assay: \(line)\n")
    }

    func end() { if console.errorIsTerminal { write("\r\u{1B}[K") } }

    private func write(_ text: String) { try? FileHandle.standardError.write(contentsOf: Data(text.utf8)) }
}
