import Foundation

/// A run of the past as another system tells it.
struct HistoricalRun: Sendable {
    /// What people know it by: `shop #42`.
    let label: String
    let startedAt: Date
    /// `nil` where the other system does not say.
    var finishedAt: Date?
    /// What the upload says of it besides its times.
    var fields: [(name: String, value: String)] = []
    let content: Content

    /// Where its results are.
    enum Content: Sendable {
        /// Reports as they are.
        case files([String])
        /// A part of a file.
        case part(of: String, at: UInt64, count: Int)
        case text(Data)
        /// Records, one a line of a file of ours, that make one document between these.
        case records(file: String, before: String, after: String)
    }

    /// The same for the same run with the same content: who has seen it once need not read it again.
    var mark: String {
        let size: Int64 =
            switch content {
            case .files(let files): files.reduce(0) { $0 + (FileStamp(path: $1)?.size ?? 0) }
            case .part(_, _, let count): Int64(count)
            case .text(let text): Int64(text.count)
            case .records(let file, _, _): FileStamp(path: file)?.size ?? 0
            }
        return "\(Int64((startedAt.timeIntervalSince1970 * 1000).rounded())) \(size) \(Table.line(label))"
    }

    /// All that the upload says of it.
    func allFields() -> [(name: String, value: String)] {
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        var all = fields.map { (name: $0.name, value: String($0.value.prefix(Self.longestValue(of: $0.name)))) }
        all.append(("started_at", startedAt.formatted(style)))
        if let finishedAt { all.append(("finished_at", finishedAt.formatted(style))) }
        return all
    }

    /// As the server has them; what others allow may be longer.
    private static func longestValue(of field: String) -> Int {
        switch field {
        case "run_env[commit_sha]": 64
        case "name": 200
        case "environment", "run_env[CI]", "run_env[number]": 100
        case "run_env[url]": 2048
        default: 255
        }
    }
}

/// What a system tells of its past, oldest first, and what of it cannot be told on.
struct History: Sendable {
    var runs: [HistoricalRun] = []
    private(set) var leftOut: [LeftOut] = []

    /// One or more things that were not taken for the same reason.
    struct LeftOut: Sendable, Equatable {
        let reason: String
        /// The first of them.
        let example: String
        var count = 1
    }

    mutating func leaveOut(_ what: String, _ reason: String) {
        if let index = leftOut.firstIndex(where: { $0.reason == reason }) {
            leftOut[index].count += 1
        } else {
            leftOut.append(LeftOut(reason: reason, example: what))
        }
    }

    /// Takes a run in, if its times can be.
    mutating func add(_ run: HistoricalRun, now: Date) {
        var run = run
        guard run.startedAt <= now else { return leaveOut(run.label, "begins in the future") }
        guard run.startedAt > now.addingTimeInterval(-3653 * 86_400) else { return leaveOut(run.label, "is more than ten years old") }
        // A clock that was wrong at the end is no reason to leave out the rest.
        if let end = run.finishedAt, end < run.startedAt || end > min(now, run.startedAt.addingTimeInterval(30 * 86_400)) { run.finishedAt = nil }
        runs.append(run)
    }

    mutating func sort() { runs.sort { ($0.startedAt, $0.label) < ($1.startedAt, $1.label) } }
}
