import ArgumentParser

/// Where and as whom: every command that asks the server has these.
struct ServerOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Where Assay answers. (else $ASSAY_URL, else what login stored)", valueName: "address"))
    var url: String?

    @Option(
        help: ArgumentHelp("The API key; others on this machine can see it here. (else $ASSAY_API_KEY, else what login stored)", valueName: "key"))
    var apiKey: String?

    @Option(
        name: [.short, .long], help: ArgumentHelp("Id or slug of the project. (else $ASSAY_PROJECT, else what login stored)", valueName: "project"))
    var project: String?

    /// - Throws: `local` when what is stored cannot be read.
    func config(_ surroundings: Surroundings) throws -> ClientConfig {
        let said = ClientConfig(url: url, apiKey: apiKey, project: project)
        return said.over(ClientConfig(environment: surroundings.environment)).over(try surroundings.storedConfig())
    }
}

/// What counts for the exit code of a command that knows how a run ended.
struct QuarantineOptions: ParsableArguments {
    @Flag(help: "Let failures of quarantined tests count as well.")
    var noQuarantine = false
}

extension ClientConfig {
    /// - Throws: `usage` when nobody said which one.
    func namedProject() throws -> String {
        guard let project else { throw ClientFailure.usage("no project: say --project, or set ASSAY_PROJECT") }
        return project
    }
}

/// How an answer is printed.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable, Sendable {
    case table, json
}

/// How results are printed.
enum ResultFormat: String, ExpressibleByArgument, CaseIterable, Sendable {
    case table, json, junit
}

extension TimeLimit: ExpressibleByArgument {
    init?(argument: String) { self.init(text: argument) }

    var defaultValueDescription: String { "\(seconds)s" }
}

/// `key=value`; the value may hold further equals signs.
struct KeyValue: ExpressibleByArgument, Equatable, Sendable {
    let key: String
    let value: String

    init?(argument: String) {
        guard let equals = argument.firstIndex(of: "="), equals != argument.startIndex else { return nil }
        key = String(argument[..<equals])
        value = String(argument[argument.index(after: equals)...])
    }
}
