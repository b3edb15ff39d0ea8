import Foundation

/// Lines of logs grouped by what groups failures, beside drain3 on the same lines: one setting, lines in file order, every system from nothing.
///
/// It is the code of Validation itself (`Grouping` here leads there). Rates are lines by processor time, so what else the machine does is not in them;
/// with a system's lines fed once most of it is learning what is new, with `repeats` it is mostly knowing it again, as in a stream of failures.
struct GroupingBench {
    private static let repeats = 10
    /// A measurement shorter than this says little.
    private static let least = 1.0

    let systems: [LogSystem]
    let folder: URL

    func run() throws {
        var scores: [GroupingScore] = []
        for system in systems {
            let score = GroupingScore(groups(of: system), system.events)
            scores.append(score)
            Figure("judgement.grouping.\(system.name).accuracy", score.accuracy, "F1 \(String(format: "%.3f", score.f1))", goal: "").print()
        }
        let count = Double(max(1, scores.count))
        Figure("judgement.grouping.accuracy", scores.reduce(0) { $0 + $1.accuracy } / count, "of 1", goal: ">=0.90").print()
        Figure("judgement.grouping.f1", scores.reduce(0) { $0 + $1.f1 } / count, "of 1", goal: ">=0.88").print()
        let (once, often) = (rate(repeats: 1), rate(repeats: Self.repeats))
        Figure("judgement.grouping.lines", once, "1/s", goal: "").print()
        Figure("judgement.grouping.lines.repeated", often, "1/s", goal: "").print()
        let other = try drain3()
        Figure("judgement.grouping.drain3.accuracy", try other("accuracy"), "of 1", goal: "").print()
        Figure("judgement.grouping.drain3.f1", try other("f1"), "of 1", goal: "").print()
        Figure("judgement.grouping.drain3.lines", try other("lines"), "1/s", goal: "").print()
        Figure("judgement.grouping.drain3.lines.repeated", try other("lines.repeated"), "1/s", goal: "").print()
        Figure("judgement.grouping.over_drain3", once / (try other("lines")), "times", goal: ">=10").print()
        Figure("judgement.grouping.over_drain3.repeated", often / (try other("lines.repeated")), "times", goal: ">=10").print()
    }

    private func groups(of system: LogSystem) -> [SignatureID] {
        var index = GroupingIndex()
        var scanner = LineScanner()
        let ids = system.lines.map { line in line.withUnsafeBufferPointer { index.file($0, with: &scanner, at: 0) } }
        // A line's group is what it has become by the end.
        return ids.map { index.group(of: $0) ?? $0 }
    }

    /// Lines a second of processor time, over all systems.
    private func rate(repeats: Int) -> Double {
        var lines = 0
        let began = clock()
        var now = began
        while Double(now - began) < Self.least * Double(CLOCKS_PER_SEC) {
            for system in systems {
                var index = GroupingIndex()
                var scanner = LineScanner()
                for _ in 0..<repeats {
                    for line in system.lines { line.withUnsafeBufferPointer { _ = index.file($0, with: &scanner, at: 0) } }
                }
                lines += repeats * system.lines.count
            }
            now = clock()
        }
        return Double(lines) / (Double(now - began) / Double(CLOCKS_PER_SEC))
    }

    /// Runs `deploy/comparison/drain3`, and answers its figures by name.
    private func drain3() throws -> (String) throws -> Double {
        let process = Process()
        process.executableURL = URL(filePath: "deploy/comparison/drain3")
        process.arguments = [folder.path, "\(Self.repeats)"]
        let output = Pipe()
        process.standardOutput = output
        do { try process.run() } catch { throw BenchFailure("deploy/comparison/drain3 does not start (run from the repository's root): \(error)") }
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw BenchFailure("deploy/comparison/drain3 ended with \(process.terminationStatus)") }
        return { name in
            let line = text.split(separator: "\n").map { $0.split(separator: "\t") }.first { $0.count > 1 && $0[0] == "drain3.\(name)" }
            guard let value = line.flatMap({ Double($0[1]) }) else { throw BenchFailure("deploy/comparison/drain3 did not say drain3.\(name)") }
            return value
        }
    }
}
