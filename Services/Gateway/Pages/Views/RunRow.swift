import ExecutionAPI
import Foundation

/// One run in a list.
struct RunRow: Sendable {
    let path: String
    let badge: Badge
    let lane: Badge?
    let title: String
    /// What the commit or the build says of itself, its first line.
    let message: String?
    let kind: String
    let branch: String?
    let commit: CommitText?
    let environment: String?
    let isIncomplete: Bool
    let counts: CountsBar
    let duration: String
    let created: Moment

    init(_ run: PBRun, now: Date) {
        path = PageAddress.run(run.id)
        badge = Badge(run.state)
        lane = Badge(run.lane)
        title = RunTitle.of(run)
        message = run.ci.message.firstLine.nonEmpty?.shortened(to: 200)
        kind = RunTitle.kind(run.kind)
        branch = run.branch.nonEmpty
        commit = CommitText(run.commitSha)
        environment = run.environment.nonEmpty
        isIncomplete = run.incomplete
        counts = CountsBar(run.counts)
        duration = run.hasDurationMs ? DurationText.of(milliseconds: run.durationMs) : "–"
        created = Moment(run.createdAt, now: now)
    }
}

/// What a run is called: its name, or what else tells it from others.
enum RunTitle {
    static func of(_ run: PBRun) -> String {
        if let name = run.name.nonEmpty { return name.shortened(to: 200) }
        if let name = run.ci.name.nonEmpty { return (name + (run.ci.number.nonEmpty.map { " #\($0)" } ?? "")).shortened(to: 200) }
        if let number = run.ci.number.nonEmpty { return "Build #\(number)".shortened(to: 200) }
        return "Run " + run.id.suffix(6)
    }

    static func kind(_ kind: PBRun.Kind) -> String {
        switch kind {
        case .upload: "Upload"
        case .suite: "Suite"
        case .unspecified, .UNRECOGNIZED: "Run"
        }
    }
}

extension String {
    /// Contracts send the empty text for what is not there; templates need `nil`.
    var nonEmpty: String? { isEmpty ? nil : self }
}
