import Foundation
import Synchronization

/// A run under way: one line that is written over on a terminal, a line every few seconds in a log. On standard error.
final class ProgressDisplay: Sendable {
    private struct State {
        var run: Run?
        var shown: String?
    }

    private let console: Console
    private let started = ContinuousClock.now
    private let state = Mutex(State())

    init(_ console: Console) {
        self.console = console
    }

    func update(_ run: Run) {
        state.withLock { $0.run = run }
        if console.errorIsTerminal { show() }
    }

    /// Shows what is known again and again while `body` runs.
    func during<R: Sendable>(_ body: @Sendable () async throws -> R) async throws -> R {
        let ticker = Task {
            while true {
                try await Task.sleep(for: console.errorIsTerminal ? .seconds(1) : .seconds(5))
                show()
            }
        }
        defer {
            ticker.cancel()
            if console.errorIsTerminal { Self.write("\r\u{1B}[K") }
        }
        return try await body()
    }

    private func show() {
        let elapsed = (ContinuousClock.now - started).components.seconds
        let text = state.withLock { state -> String? in
            guard let run = state.run else { return nil }
            let line = Self.line(run, elapsed: elapsed)
            defer { state.shown = line }
            return line
        }
        guard let text else { return }
        Self.write(console.errorIsTerminal ? "\r\u{1B}[K\(text)" : text + "\n")
    }

    /// `running  12 of 40 · 10 passed · 2 failed · 0:12`, without numbers that are not known.
    static func line(_ run: Run, elapsed: Int64) -> String {
        var parts: [String] = []
        if let counts = run.counts {
            let total = counts.total ?? 0
            let pending = counts.pending ?? 0
            let failed = (counts.failed ?? 0) + (counts.errored ?? 0)
            parts = [pending > 0 ? "\(total - pending) of \(total)" : "\(total) results", "\(counts.passed ?? 0) passed", "\(failed) failed"]
            if let skipped = counts.skipped, skipped > 0 { parts.append("\(skipped) skipped") }
        }
        let seconds = elapsed % 60
        parts.append("\(elapsed / 60):\(seconds < 10 ? "0" : "")\(seconds)")
        return "\(run.state.lowercased())  \(parts.joined(separator: " · "))"
    }

    private static func write(_ text: String) { try? FileHandle.standardError.write(contentsOf: Data(text.utf8)) }
}
