import ArgumentParser
import Foundation

/// `assay exec -- COMMAND…`
struct ExecCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exec", abstract: "Run a test command and send the reports that it writes.",
        discussion: """
            COMMAND runs as if it had been started by itself: same folder, same input and output, same signals. What Assay has to say is on \
            standard error, after it. Then the reports that it wrote are looked for: by the patterns of --report, else in the places where Maven, \
            Gradle, .NET, Jest, pytest and others put them. Files that it did not write are left out.

            An exit code that is not 0 is sent as well: when no test failed, or there is no report at all, because COMMAND was killed or could not \
            be started, the run has a result that says so, named after COMMAND.

            The exit code is COMMAND's own when that is not 0 (128 and the signal's number when it was killed, 127 when there is no such \
            command); else 1 when a report holds failures that COMMAND kept to itself and the run is finished, or --wait was given; else 0. \
            When all tests that failed are quarantined, it is 0 although COMMAND's was 1 to 125, unless you say --no-quarantine: all of the run \
            when it is finished, or else, as where the jobs of a build share a run, all of what COMMAND reported.

            With --retries tests that failed are tried again where that can tell something: the server knows which are flaky, which failed before and \
            what the project is willing to spend, and says why it leaves the others alone. What is executed then is --retry-command, in a shell, with \
            the tests in the place of {tests}, or COMMAND again. Its reports go to the same run. When everything that failed passed at a later try \
            or is quarantined, the exit code is 0, and the run keeps the failures.

              assay exec --retries 2 --retry-command 'pytest --junitxml=retry.xml -k {tests}' --retry-join ' or ' --report '*.xml' -- pytest …
              assay exec --retries 2 --retry-command 'mvn test -Dtest={tests}' --retry-test '{class}#{name}' --retry-join , -- mvn test
              assay exec --retries 2 --retry-command 'go test ./... -run {tests}' --retry-test '^{name}$' --retry-join '|' -- go test ./...
            """)

    @Option(
        name: .customLong("report"),
        help: ArgumentHelp("Where reports are written: a file, folder or pattern; can be given several times.", valueName: "pattern"),
        completion: .file())
    var reports: [String] = []

    @OptionGroup var server: ServerOptions
    @OptionGroup(title: "About trying again") var retry: RetryOptions
    @OptionGroup(title: "About the upload") var upload: UploadOptions

    @Argument(parsing: .postTerminator, help: "The command, after --.")
    var command: [String] = []

    func validate() throws {
        if command.isEmpty { throw ValidationError("Say what to run, after --, as in: assay exec -- swift test") }
    }

    func run() async throws {
        // Before anything else of ours, so that nothing of ours is in the command's way.
        let started = Date()
        let code = try ChildCommand(command, environment: Surroundings.current.environment).run()
        var reporting = try Reporting(server, upload)
        // That it ended well needs no telling.
        if code != 0 { reporting.ended = EndedCommand(code: code, command: command) }
        if retry.retries != nil { reporting.mayRetry() }
        var verdict = RunVerdict(status: .passed)
        do {
            verdict = try await send(reporting, since: started, code)
        } catch let failure as ClientFailure {
            Console.error("assay: error: \(failure)")
            verdict = RunVerdict(status: failure.exitStatus)
        } catch let ended as ExitStatus.Ended {
            if code == 0 { throw ended }
        }
        // A command that was killed, or says that it could not run, has not shown that nothing but these tests is wrong.
        if code != 0, !(verdict.isExcused && Self.isAboutTests(code)) { throw ExitStatus.Ended(code: code) }
        try verdict.status.end()
    }

    /// Shells and test runners say 126 and more of what went wrong with the command itself.
    static func isAboutTests(_ code: Int32) -> Bool { (1...125).contains(code) }

    private func send(_ reporting: Reporting, since started: Date, _ code: Int32) async throws -> RunVerdict {
        let found = try Self.reports(reports, since: started)
        guard !found.isEmpty else {
            if reporting.ended != nil {
                let delivery = try await reporting.send([])
                // Nothing can be tried again, and the run is not left open.
                if reporting.isOpen { _ = try await retrying(reporting).run(after: delivery, isAboutTests: false) }
            }
            let hint = reports.isEmpty ? "; say where they are with --report" : ""
            try reporting.complain("\(command[0]) wrote no reports that could be found\(hint)", .usage(""))
            return RunVerdict(status: .passed)
        }
        let delivery = try await reporting.send(found.map { .file($0) })
        guard reporting.isOpen else { return try await reporting.verdict(delivery, hasFailed: Self.isAboutTests(code)) }
        return try await retrying(reporting).run(after: delivery, isAboutTests: code == 0 || Self.isAboutTests(code))
    }

    private func retrying(_ reporting: Reporting) -> Retrying {
        Retrying(options: retry, command: command, patterns: reports, reporting: reporting)
    }

    /// What was written since then.
    static func reports(_ patterns: [String], since started: Date) throws -> [String] {
        var finder = ReportFinder()
        // Clocks of file systems tick in steps of a few milliseconds, behind ours.
        finder.changedSince = started.addingTimeInterval(-0.02)
        if patterns.isEmpty { finder.skipping = ReportFinder.foreign }
        return try finder.find(patterns.isEmpty ? ReportFinder.wellKnown : patterns)
    }
}
