import ArgumentParser
import Foundation

/// `assay results RUN`
struct ResultsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "results", abstract: "What the tests of a run did.",
        discussion: "Prints all of them, page by page as they come. --output junit writes a report that other tools read.")

    @Argument(help: ArgumentHelp("Id of the run.", valueName: "run"))
    var runID: String

    @OptionGroup var server: ServerOptions

    enum Outcome: String, ExpressibleByArgument, CaseIterable {
        case passed, failed, errored, skipped
    }

    @Option(help: "Only these: passed, failed, errored or skipped; can be given several times.")
    var outcome: [Outcome] = []

    @Option(help: "Only tests whose name, class or suite holds this text.")
    var search: String?

    @Option(help: "At most so many.")
    var limit: Int?

    @Option(help: "table, json or junit.")
    var output = ResultFormat.table

    func run() async throws {
        let surroundings = Surroundings.current
        let console = Console(surroundings)
        var query = outcome.map { ("outcome", $0.rawValue.uppercased()) }
        if let search { query.append(("search", search)) }
        var writer = ResultWriter(format: output, console: console)
        var left = limit ?? .max
        let (filter, path) = (query, "\(Run.path(runID))/results")
        try await APIConnection.with(try server.config(surroundings)) { connection in
            try await connection.pages(path, query: filter) { page in
                left -= try writer.write(page, atMost: left)
                return left > 0
            }
        }
        writer.end()
    }
}

/// Prints pages of results as they come.
struct ResultWriter {
    let format: ResultFormat
    let console: Console
    private var junit = JUnitText()
    private var isFirst = true

    init(format: ResultFormat, console: Console) {
        self.format = format
        self.console = console
    }

    /// - Parameter page: an answer of the API.
    /// - Returns: how many results were printed.
    mutating func write(_ page: Data, atMost limit: Int) throws -> Int {
        defer { isFirst = false }
        if format == .json {
            // As the server sent them, whatever fields that this client does not know yet.
            let items = ((try JSONSerialization.jsonObject(with: page) as? [String: Any])?["data"] as? [Any] ?? []).prefix(limit)
            var text = isFirst ? "[" : ""
            for (index, item) in items.enumerated() {
                let json = try JSONSerialization.data(withJSONObject: item, options: [.sortedKeys, .withoutEscapingSlashes])
                text += (isFirst && index == 0 ? "\n" : ",\n") + String(decoding: json, as: UTF8.self)
            }
            console.write(Data(text.utf8))
            return items.count
        }
        let results = try APIConnection.decode(Page<TestResult>.self, page).data.prefix(limit)
        if format == .junit {
            var text = isFirst ? JUnitText.head : ""
            for result in results { text += junit.add(result) }
            console.write(Data(text.utf8))
            return results.count
        }
        var table = Table(columns: [.init(title: "OUTCOME"), .init(title: "SECONDS", isNumber: true), .init(title: "TEST"), .init(title: "MESSAGE")])
        table.rows = results.map { result in
            let place = (result.className ?? "").isEmpty ? result.suiteName ?? "" : result.className ?? ""
            return [
                result.outcome.lowercased(), result.seconds.map { String(JUnitText.decimal($0).dropLast(3)) } ?? "",
                place.isEmpty ? result.name : "\(place) › \(result.name)", result.message ?? "",
            ]
        }
        guard !results.isEmpty else {
            if isFirst { console.note("there are no such results") }
            return 0
        }
        console.say(table.text(width: console.width) { [console] in $0 == 0 ? console.paint($2, Console.colour(of: $1)) : $2 })
        return results.count
    }

    func end() {
        switch format {
        case .json: console.write(Data((isFirst ? "[]\n" : "\n]\n").utf8))
        case .junit: console.write(Data(((isFirst ? JUnitText.head : "") + junit.end()).utf8))
        case .table: break
        }
    }
}
