import ArgumentParser
import Foundation

/// `assay wait RUN`
struct WaitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait", abstract: "Follow a run until it is finished.",
        discussion: """
            Exit code 0 when it passed or only quarantined tests failed, 1 when it did not, 5 when it or --timeout ran out of time. What is \
            quarantined when this command asks counts: after putting a test into quarantine, waiting for the same run again gives 0.

            With --output json the finished run is printed, or its id and state where the key may not read runs, as that of a build.
            """)

    @Argument(help: ArgumentHelp("Id of the run.", valueName: "run"))
    var runID: String

    @OptionGroup var server: ServerOptions

    @OptionGroup var quarantine: QuarantineOptions

    @Option(help: ArgumentHelp("How long to wait: 90s, 10m, 2h.", valueName: "time"))
    var timeout: TimeLimit?

    @Option(help: "table or json.")
    var output = OutputFormat.table

    func run() async throws {
        let surroundings = Surroundings.current
        let status = try await APIConnection.with(try server.config(surroundings)) {
            try await Self.wait(for: runID, $0, Console(surroundings), quarantine, timeout: timeout, output: output)
        }
        try status.end()
    }

    /// Shows progress, then the finished run.
    static func wait(
        for run: String, _ connection: APIConnection, _ console: Console, _ quarantine: QuarantineOptions, timeout: TimeLimit?, output: OutputFormat
    ) async throws -> ExitStatus {
        let display = ProgressDisplay(console)
        let finished = try await display.during {
            try await RunWatcher(connection: connection, run: run).finished(within: timeout) { display.update($0) }
        }
        if output == .json {
            console.write(try await whole(finished, connection) + Data("\n".utf8))
        } else {
            console.say(StatusCommand.summary(finished, url: connection.url, console))
        }
        return try await RunVerdict.of(run, state: finished.state, connection, console, quarantine).status
    }

    /// Where the state alone was told, more would be refused.
    private static func whole(_ run: Run, _ connection: APIConnection) async throws -> Data {
        guard run.counts == nil else { return try await connection.get(Run.path(run.id)) }
        return try JSONSerialization.data(withJSONObject: ["id": run.id, "state": run.state], options: [.sortedKeys])
    }
}
