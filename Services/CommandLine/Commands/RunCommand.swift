import ArgumentParser
import Foundation

/// `assay run SUITE`
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Start a run of a suite.",
        discussion: "SUITE is an id (ste_…) or a name. Prints the run's id; with --wait shows its progress, and the exit code says how it ended.")

    @Argument(help: "Id or name of the suite.")
    var suite: String

    @OptionGroup var server: ServerOptions

    @Option(name: .customLong("variable"), help: ArgumentHelp("Sets a variable of the suite; can be given several times.", valueName: "key=value"))
    var variables: [KeyValue] = []

    @Option(help: ArgumentHelp("Where is tested.", valueName: "text"))
    var environment: String?

    @Option(help: ArgumentHelp("The branch; found out from CI or git when not given.", valueName: "text"))
    var branch: String?

    @Option(help: ArgumentHelp("The commit; found out from CI or git when not given.", valueName: "sha"))
    var commit: String?

    @Option(name: .customLong("tag"), help: ArgumentHelp("A tag of the run; can be given several times.", valueName: "key=value"))
    var tags: [KeyValue] = []

    @Option(help: "Cases that run at once, 1 to 64.")
    var concurrency: Int?

    @Flag(help: "Wait until the run is finished.")
    var wait = false

    @OptionGroup var quarantine: QuarantineOptions

    @Option(help: ArgumentHelp("How long to wait with --wait: 90s, 10m, 2h.", valueName: "time"))
    var timeout: TimeLimit?

    @Option(help: "table or json.")
    var output = OutputFormat.table

    func run() async throws {
        let surroundings = Surroundings.current
        let console = Console(surroundings)
        let config = try server.config(surroundings)
        let project = try config.namedProject()
        let git = GitCheckout.read(from: URL(filePath: FileManager.default.currentDirectoryPath))
        let build = (CIBuild.detect(surroundings.environment) ?? CIBuild()).over(git)
        let status = try await APIConnection.with(config) { connection -> ExitStatus in
            var body: [String: Any] = ["suite": try await suiteID(connection, project)]
            if !variables.isEmpty { body["variables"] = Dictionary(variables.map { ($0.key, $0.value) }) { $1 } }
            if !tags.isEmpty { body["tags"] = Dictionary(tags.map { ($0.key, $0.value) }) { $1 } }
            if let environment { body["environment"] = environment }
            if let branch = branch ?? build.branch { body["branch"] = branch }
            if let commit = commit ?? build.commit { body["commit_sha"] = commit }
            if let concurrency { body["concurrency"] = concurrency }
            let answer = try await connection.create(
                "/api/v1/projects/\(project.percentEncoded)/runs", json: try JSONSerialization.data(withJSONObject: body))
            let run = try APIConnection.decode(Run.self, answer)
            if wait { return try await WaitCommand.wait(for: run.id, connection, console, quarantine, timeout: timeout, output: output) }
            console.write(output == .json ? answer + Data("\n".utf8) : Data((run.id + "\n").utf8))
            return .passed
        }
        try status.end()
    }

    private struct Suite: Decodable {
        let id: String
        let name: String
    }

    private func suiteID(_ connection: APIConnection, _ project: String) async throws -> String {
        if suite.hasPrefix("ste_") { return suite }
        var found: [String] = []
        try await connection.pages("/api/v1/projects/\(project.percentEncoded)/suites") { page in
            found += try APIConnection.decode(Page<Suite>.self, page).data.filter { $0.name == suite }.map(\.id)
            return true
        }
        guard let id = found.first else { throw ClientFailure.usage("project \(project) has no suite \"\(suite)\"") }
        guard found.count == 1 else { throw ClientFailure.usage("several suites are called \"\(suite)\": \(found.joined(separator: ", "))") }
        return id
    }
}
