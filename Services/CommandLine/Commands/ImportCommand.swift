import ArgumentParser
import Foundation

/// `assay import …`
struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Take over the history that another system keeps of your tests.",
        discussion: """
            Every run comes with its own time, number, branch and commit, as far as they are known, from the oldest on. It is counted in histories, trends and \
            stability as if it had been sent on its day; nobody is told of its failures. Importing again, or going on after a cut, brings nothing twice.

            The key needs the permission to write results and to change the project (scopes results:write and projects:admin).

            Exit codes: 0 all was taken that can be; 2 Assay refused some of it; 3 no key, or not allowed; 4 Assay cannot be reached: the same command \
            goes on where it was.
            """,
        subcommands: [ImportJenkinsCommand.self, ImportAllureCommand.self, ImportReportPortalCommand.self])
}

/// What all imports are told.
struct ImportOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The branch of all runs; what the history says of it counts no more.", valueName: "text"))
    var branch: String?

    @Option(help: ArgumentHelp("Where was tested: staging, android-14, …", valueName: "text"))
    var environment: String?

    @Option(name: .customLong("tag"), help: ArgumentHelp("A tag of all runs; can be given several times.", valueName: "key=value"))
    var tags: [KeyValue] = []

    @Flag(help: "Only say what would be imported.")
    var dryRun = false

    @Flag(help: "Send also what this machine has imported before. What Assay has already it keeps once.")
    var again = false

    @Option(help: ArgumentHelp("How long to try one run again while Assay is away or busy.", valueName: "time"))
    var retryFor = TimeLimit(seconds: 300)

    @Option(help: "table or json.")
    var output = OutputFormat.table

    var fields: [(name: String, value: String)] {
        [("run_env[branch]", branch), ("environment", environment)].compactMap { name, value in value.map { (name, $0) } }
            + tags.map { ("tags[\($0.key)]", $0.value) }
    }
}

/// `assay import jenkins DIR`
struct ImportJenkinsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jenkins", abstract: "Builds that a Jenkins has kept.",
        discussion: """
            DIR is Jenkins' home, or the folder of one job: the one with builds/1, builds/2, …; a copy will do. Of every build its junitResult.xml is \
            sent, which the junit plug-in writes. Time, length and result come from build.xml, branch and commit from what the git plug-in left in it. \
            Runs have the tag job.
            """)

    @Argument(help: ArgumentHelp("Jenkins' home, or a job.", valueName: "dir"), completion: .directory)
    var folder: String

    @OptionGroup var server: ServerOptions
    @OptionGroup(title: "About the import") var options: ImportOptions

    func run() async throws {
        try await ImportReport(server, options).run(try JenkinsHistory(now: Date()).read(folder), from: folder)
    }
}

/// `assay import allure DIR`
struct ImportAllureCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "allure", abstract: "What Allure has kept of earlier runs.",
        discussion: """
            DIR is one of
              history.jsonl       of Allure 3: a run a line
              a report, or a folder of results, with history/history.json: of Allure 2. It has no names of tests: these are looked for in the report's \
            data/test-cases and in the results. Runs are told apart by the address of their report, else by time
              a folder of results (…-result.json), or a folder of such: each is a run
            history-trend.json has sums only and is not taken.
            """)

    @Argument(help: ArgumentHelp("history.jsonl, a report, or results.", valueName: "dir"), completion: .directory)
    var folder: String

    @OptionGroup var server: ServerOptions
    @OptionGroup(title: "About the import") var options: ImportOptions

    func run() async throws {
        try await ImportReport(server, options).run(try AllureHistory(now: Date()).read(folder), from: folder)
    }
}

/// `assay import reportportal FILE…`
struct ImportReportPortalCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reportportal", abstract: "Launches of ReportPortal, from saved answers of its interface.",
        discussion: """
            FILES are JSON, in any number and order:
              launches   GET /api/v1/PROJECT/launch?page.size=300&page.page=1
              items      GET /api/v1/PROJECT/item?filter.eq.launchId=ID&page.size=300&page.page=1, for each launch
            A launch is a run; attributes named branch and commit are taken as such, others become tags. What a failure said is in ReportPortal's logs, \
            which are not taken; the comment of its issue is.
            """)

    @Argument(help: "Files, folders or patterns.", completion: .file())
    var files: [String]

    @OptionGroup var server: ServerOptions
    @OptionGroup(title: "About the import") var options: ImportOptions

    func run() async throws {
        let scratch = FileManager.default.temporaryDirectory.appending(path: "assay-import-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: scratch) }
        let found = try ReportFinder().find(files)
        guard !found.isEmpty else { throw ClientFailure.usage("\(files.joined(separator: ", ")): no such file") }
        let history = try ReportPortalHistory(now: Date(), scratch: scratch).read(found)
        try await ImportReport(server, options).run(history, from: files.sorted().joined(separator: "\n"))
    }
}

/// Carries an import out and says what became of it.
struct ImportReport {
    private let surroundings = Surroundings.current
    private let console: Console
    private let config: ClientConfig
    private let options: ImportOptions

    init(_ server: ServerOptions, _ options: ImportOptions) throws {
        console = Console(surroundings)
        config = try server.config(surroundings)
        self.options = options
    }

    /// - Throws: what ended the import, or exit code 2 when something was refused.
    func run(_ history: History, from place: String) async throws {
        if options.dryRun { return list(history) }
        let work = HistoryImport(
            config: config, surroundings: surroundings, console: console, retries: RetryPolicy(patience: .seconds(options.retryFor.seconds)),
            fields: options.fields, again: options.again)
        let outcome = try await work.run(history, from: URL(filePath: place).standardizedFileURL.path)
        try say(outcome, of: history.runs.count)
        if let failure = outcome.failure {
            let done = outcome.runs + outcome.duplicates + outcome.before
            console.note("error: \(failure)\n  \(done) of \(history.runs.count) runs are there; the same command goes on with the next.")
        }
        try outcome.status.end()
    }

    private func list(_ history: History) {
        var table = Table(columns: [.init(title: "STARTED"), .init(title: "RUN")])
        table.rows = history.runs.map { [$0.startedAt.formatted(.iso8601), $0.label] }
        console.say(table.text(width: console.width))
        say(history.leftOut)
    }

    private func say(_ outcome: HistoryImport.Outcome, of count: Int) throws {
        if options.output == .json {
            let encoder = JSONEncoder()
            encoder.keyEncodingStrategy = .convertToSnakeCase
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            return console.write(try encoder.encode(Summary(outcome, of: count)) + Data("\n".utf8))
        }
        var parts = ["\(outcome.runs) of \(count) runs imported with \(outcome.results) results"]
        if outcome.duplicates > 0 { parts.append("\(outcome.duplicates) were there already") }
        if outcome.before > 0 { parts.append("\(outcome.before) were imported before") }
        console.say(parts.joined(separator: "; ") + ".")
        if outcome.rejected > 0 { console.warn("\(outcome.rejected) results were not taken; the uploads' warnings say why") }
        say(outcome.leftOut)
    }

    private func say(_ leftOut: [History.LeftOut]) {
        for left in leftOut {
            let others = left.count > 1 ? " (and \(left.count - 1) more)" : ""
            console.warn("not taken: \(Table.line(left.example))\(others): \(Table.line(left.reason))")
        }
    }

    private struct Summary: Encodable {
        let found: Int
        let imported: Int
        let results: Int64
        let alreadyThere: Int
        let importedBefore: Int
        let resultsNotTaken: Int64
        let notTaken: [Left]

        struct Left: Encodable {
            let example: String
            let count: Int
            let reason: String
        }

        init(_ outcome: HistoryImport.Outcome, of count: Int) {
            found = count
            imported = outcome.runs
            results = outcome.results
            alreadyThere = outcome.duplicates
            importedBefore = outcome.before
            resultsNotTaken = outcome.rejected
            notTaken = outcome.leftOut.map { Left(example: $0.example, count: $0.count, reason: $0.reason) }
        }
    }
}
