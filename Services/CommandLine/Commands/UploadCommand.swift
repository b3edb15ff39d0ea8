import ArgumentParser
import Foundation

/// `assay upload [FILE…]`
struct UploadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "upload", abstract: "Send reports of tests.",
        discussion: """
            FILES are files, folders, or patterns in quotes: 'build/**/*.xml' finds files in all folders below build, {a,b} is either. \
            - reads one report from standard input. Files that are compressed already are sent as they are.

            The same files for the same build can be sent any number of times and count once. When Assay is away, the upload is kept on this \
            machine (at most 1 GiB, for 7 days) and sent by the next upload or by `assay flush`.

            The repository's CODEOWNERS (.github, the root, docs, .gitlab) goes with the upload, so that owners of results are found by the file of \
            their own commit; --owners FILE names another one, --no-owners sends none. Trouble with it is a warning.

            With --watch FOLDER, files in FOLDER that match FILES (all .xml, .json, .trx and .tap when none are given) are sent whenever they have \
            changed and then been quiet for a moment, until you interrupt it.
            """)

    @Argument(help: "Files, folders, patterns, or -.", completion: .file())
    var files: [String] = []

    @OptionGroup var server: ServerOptions
    @OptionGroup(title: "About the upload") var upload: UploadOptions

    @Option(help: ArgumentHelp("Watch this folder and send what changes in it.", valueName: "folder"), completion: .directory)
    var watch: String?

    @Option(help: ArgumentHelp("With --watch: how long a file must have been quiet.", valueName: "time"))
    var quiet = TimeLimit(seconds: 2)

    @Option(help: "table or json: json prints what Assay answered.")
    var output = OutputFormat.table

    func validate() throws {
        if watch == nil, files.isEmpty { throw ValidationError("Say which files to upload, or - for standard input.") }
        if files.contains("-"), files.count > 1 || watch != nil { throw ValidationError("- stands alone.") }
    }

    func run() async throws {
        let reporting = try Reporting(server, upload)
        if let watch {
            let watcher = ReportWatcher(folder: watch, patterns: files, quiet: Double(quiet.seconds))
            return try await watcher.run(reporting)
        }
        var sources: [ReportUpload.Source] = [.input("stdin")]
        if files != ["-"] {
            sources = try ReportFinder().find(files).map { .file($0) }
            for missing in try files.filter({ try ReportFinder().find([$0]).isEmpty }) { reporting.console.warn("\(missing): no such file") }
            guard !sources.isEmpty else {
                return try reporting.complain("there is nothing to upload", .usage("there is nothing to upload"))
            }
        }
        let delivery = try await reporting.send(sources)
        // Whoever only uploads asks whether that worked; how the tests went is what --wait is for.
        let status = upload.wait ? try await reporting.verdict(delivery).status : .passed
        if output == .json {
            let encoder = JSONEncoder()
            encoder.keyEncodingStrategy = .convertToSnakeCase
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            reporting.console.write(try encoder.encode(delivery.receipts) + Data("\n".utf8))
        }
        try status.end()
    }
}

/// `assay flush`
struct FlushCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "flush", abstract: "Send uploads that were kept while Assay was away.",
        discussion: "Exit code 4 when some are still waiting, 2 when Assay did not want one.")

    @OptionGroup var server: ServerOptions

    @Flag(help: "Only list what waits.")
    var list = false

    @Option(help: ArgumentHelp("How long to try again while Assay is away or busy.", valueName: "time"))
    var retryFor = TimeLimit(seconds: 5)

    func run() async throws {
        let surroundings = Surroundings.current
        let console = Console(surroundings)
        let outbox = Outbox(folder: surroundings.outbox)
        for entry in outbox.prune(at: Date()) {
            console.warn("dropped an upload of \(entry.files) files from \(entry.createdAt.formatted(.iso8601)): too old")
        }
        let waiting = outbox.list()
        if list || waiting.isEmpty {
            guard !waiting.isEmpty else { return console.say("Nothing waits.") }
            var table = Table(columns: [
                .init(title: "SINCE"), .init(title: "FILES", isNumber: true), .init(title: "BYTES", isNumber: true), .init(title: "PROJECT"),
                .init(title: "SERVER"),
            ])
            table.rows = waiting.map {
                [$0.entry.createdAt.formatted(.iso8601), "\($0.entry.files)", "\($0.entry.bytes)", $0.entry.project, $0.entry.url]
            }
            return console.say(table.text())
        }
        let flushed = try await APIConnection.with(try server.config(surroundings)) { connection in
            await UploadSender(connection: connection, outbox: outbox, retries: RetryPolicy(patience: .seconds(retryFor.seconds))).flush()
        }
        console.say("\(flushed.sent) sent, \(flushed.waiting) waiting, \(flushed.refused) refused.")
        if let failure = flushed.failure { throw failure }
        if flushed.waiting > 0 { console.warn("what waits for another server is sent with --url") }
    }
}
