import ArgumentParser
import Foundation

/// `assay compare BASE RUN`
struct CompareCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare", abstract: "What is different in a run, held against another one.",
        discussion: "Tests are matched by identity. The exit code is 0 whatever is different, unless you say --exit-code.")

    @Argument(help: ArgumentHelp("Id of the run it is held against.", valueName: "base"))
    var baseID: String

    @Argument(help: ArgumentHelp("Id of the run.", valueName: "run"))
    var runID: String

    @OptionGroup var server: ServerOptions

    @Option(help: "Only these: \(Comparison.Kind.allCases.map(\.rawValue).joined(separator: ", ")); can be given several times.")
    var kind: [Comparison.Kind] = []

    @Option(help: "At most so many.")
    var limit = 1_000

    @Flag(help: "Exit with 1 when tests fail that did not fail before.")
    var exitCode = false

    @Option(help: "table or json.")
    var output = OutputFormat.table

    func run() async throws {
        let surroundings = Surroundings.current
        let console = Console(surroundings)
        let query = [("base", baseID)] + kind.map { ("kind", $0.wireName) }
        var pages: [Data] = []
        var found: [Comparison.Difference] = []
        let (path, most) = ("\(Run.path(runID))/comparison", limit)
        var summary = Comparison.Summary()
        try await APIConnection.with(try server.config(surroundings)) { connection in
            try await connection.pages(path, query: query) { page in
                let comparison = try APIConnection.decode(Comparison.self, page)
                summary = comparison.summary ?? summary
                found += comparison.data
                pages.append(page)
                return found.count < most
            }
        }
        if output == .json {
            console.write(try Self.json(pages, atMost: limit))
        } else {
            if !found.isEmpty { console.say(Self.table(found.prefix(limit)).text(width: console.width)) }
            console.say(summary.line)
        }
        if exitCode, summary.newFailures ?? 0 > 0 { try ExitStatus.failed.end() }
    }

    static func table(_ differences: some Sequence<Comparison.Difference>) -> Table {
        var table = Table(columns: [
            .init(title: "CHANGE"), .init(title: "BEFORE"), .init(title: "NOW"), .init(title: "SECONDS", isNumber: true), .init(title: "TEST"),
        ])
        table.rows = differences.map { difference in
            let place = (difference.className ?? "").isEmpty ? difference.suiteName ?? "" : difference.className ?? ""
            return [
                difference.kind.lowercased().replacing("_", with: " "), difference.base?.outcome.lowercased() ?? "–",
                difference.run?.outcome.lowercased() ?? "–", difference.seconds, place.isEmpty ? difference.name : "\(place) › \(difference.name)",
            ]
        }
        return table
    }

    /// One document: the summary, and all differences as the server sent them.
    private static func json(_ pages: [Data], atMost limit: Int) throws -> Data {
        let objects = try pages.compactMap { try JSONSerialization.jsonObject(with: $0) as? [String: Any] }
        let differences = objects.flatMap { $0["data"] as? [Any] ?? [] }.prefix(limit)
        let whole: [String: Any] = ["summary": objects.first?["summary"] ?? [:], "data": Array(differences)]
        return try JSONSerialization.data(withJSONObject: whole, options: [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]) + Data("\n".utf8)
    }
}

/// An answer of the API, as far as the client shows it.
struct Comparison: Decodable, Sendable {
    enum Kind: String, ExpressibleByArgument, CaseIterable, Sendable {
        case newFailure = "new-failure"
        case stillFailing = "still-failing"
        case fixed, added, removed, slower

        var wireName: String { rawValue.uppercased().replacing("-", with: "_") }
    }

    struct Difference: Decodable, Equatable, Sendable {
        let kind: String
        let name: String
        var suiteName: String?
        var className: String?
        var base: Side?
        var run: Side?

        struct Side: Decodable, Equatable, Sendable {
            let outcome: String
            var durationUs: Int64?
        }

        /// Before and after, where both are known.
        var seconds: String {
            guard let before = base?.durationUs, let now = run?.durationUs else { return "" }
            return [before, now].map { String(JUnitText.decimal(Double($0) / 1_000_000).dropLast(3)) }.joined(separator: " → ")
        }
    }

    struct Summary: Decodable, Equatable, Sendable {
        var newFailures: Int64?
        var stillFailing: Int64?
        var fixed: Int64?
        var added: Int64?
        var removed: Int64?
        var slower: Int64?
        var unchanged: Int64?

        /// `1 new failure, 2 fixed, 412 unchanged`: only what there is.
        var line: String {
            let counts: [(Int64?, String)] = [
                (newFailures, newFailures == 1 ? "new failure" : "new failures"), (stillFailing, "still failing"), (fixed, "fixed"), (added, "added"),
                (removed, "removed"), (slower, "slower"), (unchanged, "unchanged"),
            ]
            let words = counts.compactMap { count, word in count.flatMap { $0 > 0 ? "\($0) \(word)" : nil } }
            return words.isEmpty ? "There are no tests in either run." : words.joined(separator: ", ")
        }
    }

    let data: [Difference]
    var summary: Summary?
}
