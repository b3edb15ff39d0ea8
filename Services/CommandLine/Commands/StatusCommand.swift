import ArgumentParser
import Foundation

/// `assay status [RUN]`
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "The newest runs of the project, or one run.",
        discussion: "The exit code is 0 however the runs ended; `assay wait` is for that.")

    @Argument(help: ArgumentHelp("Id of a run.", valueName: "run"))
    var runID: String?

    @OptionGroup var server: ServerOptions

    @Option(help: "Only runs of this branch.")
    var branch: String?

    @Option(help: "Only runs in this state: running, passed, failed, error, cancelled, timed_out.")
    var state: String?

    @Option(help: "How many runs, 1 to 200.")
    var limit = 10

    @Option(help: "table or json.")
    var output = OutputFormat.table

    func validate() throws {
        if !(1...200).contains(limit) { throw ValidationError("--limit is 1 to 200.") }
    }

    func run() async throws {
        let surroundings = Surroundings.current
        let console = Console(surroundings)
        let config = try server.config(surroundings)
        let (answer, url) = try await APIConnection.with(config) { (try await ask($0, config), $0.url) }
        if output == .json { return console.write(answer + Data("\n".utf8)) }
        if runID != nil { return console.say(Self.summary(try APIConnection.decode(Run.self, answer), url: url, console)) }
        let runs = try APIConnection.decode(Page<Run>.self, answer).data
        guard !runs.isEmpty else { return console.say("There are no such runs.") }
        console.say(Self.table(runs).text(width: console.width) { $0 == 1 ? console.paint($2, Console.colour(of: $1)) : $2 })
    }

    private func ask(_ connection: APIConnection, _ config: ClientConfig) async throws -> Data {
        if let runID { return try await connection.get(Run.path(runID)) }
        var query = [("limit", String(limit))]
        if let branch { query.append(("branch", branch)) }
        if let state { query.append(("state", state.uppercased())) }
        return try await connection.get("/api/v1/projects/\(try config.namedProject().percentEncoded)/runs", query: query)
    }

    static func table(_ runs: [Run]) -> Table {
        var table = Table(columns: [
            .init(title: "RUN"), .init(title: "STATE"), .init(title: "TESTS", isNumber: true), .init(title: "FAILED", isNumber: true),
            .init(title: "SKIPPED", isNumber: true), .init(title: "BRANCH"), .init(title: "CREATED"), .init(title: "NAME"),
        ])
        table.rows = runs.map { run in
            let counts = run.counts ?? Run.Counts()
            return [
                run.id, run.state.lowercased() + (run.incomplete == true ? "*" : ""), "\(counts.total ?? 0)",
                "\((counts.failed ?? 0) + (counts.errored ?? 0))", "\(counts.skipped ?? 0)", run.branch ?? "",
                String((run.createdAt ?? "").prefix(19)).replacing("T", with: " "), run.name ?? "",
            ]
        }
        return table
    }

    /// One run in a few lines.
    static func summary(_ run: Run, url: String, _ console: Console) -> String {
        var lines = [
            "\(run.id)  \(console.paint(run.state.lowercased(), Console.colour(of: run.state)))\(run.name.map { $0.isEmpty ? "" : "  \(Table.line($0))" } ?? "")"
        ]
        if let counts = run.counts {
            var words = ["\(counts.total ?? 0) tests", "\(counts.passed ?? 0) passed", "\(counts.failed ?? 0) failed"]
            if let errored = counts.errored, errored > 0 { words.append("\(errored) could not run") }
            if let skipped = counts.skipped, skipped > 0 { words.append("\(skipped) skipped") }
            if let pending = counts.pending, pending > 0 { words.append("\(pending) to go") }
            if let duration = run.durationMs { words.append("\(JUnitText.decimal(Double(duration) / 1_000).dropLast(3)) s") }
            lines.append("  " + words.joined(separator: ", "))
        }
        if run.incomplete == true { lines.append("  a report was cut off or refused in part: the numbers are a lower bound") }
        let code = [run.branch, run.commitSha.map { String($0.prefix(12)) }].compactMap { $0 }.filter { !$0.isEmpty }
        if !code.isEmpty { lines.append("  " + code.map { Table.line($0) }.joined(separator: " at ")) }
        lines.append("  \(url)/runs/\(run.id)")
        return lines.joined(separator: "\n")
    }
}
