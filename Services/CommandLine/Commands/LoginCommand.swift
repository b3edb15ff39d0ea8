import ArgumentParser
import Foundation

/// `assay login`
struct LoginCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "login", abstract: "Say where Assay is and which key you have.",
        discussion: """
            Asks for what is not given, without showing the key, tries it, and stores both where only you can read them: \
            $XDG_CONFIG_HOME/assay/config.json. In scripts: assay login --url ADDRESS --with-key < FILE. In a CI you need no login: set ASSAY_URL, \
            ASSAY_API_KEY and ASSAY_PROJECT.
            """)

    @OptionGroup var server: ServerOptions

    @Flag(help: "Read the key from standard input.")
    var withKey = false

    func run() async throws {
        let surroundings = Surroundings.current
        let console = Console(surroundings)
        let known = try server.config(surroundings)
        var config = ClientConfig(project: server.project ?? known.project, caFile: known.caFile)
        let isAsking = isatty(STDIN_FILENO) == 1 && !withKey
        var url = server.url
        if url == nil, isAsking {
            let proposal = known.url ?? ClientConfig.defaultURL
            let answer = Self.ask("Where is Assay? [\(proposal)] ")
            url = answer.isEmpty ? proposal : answer
        }
        config.url = try ClientConfig.checkedURL(url ?? known.url ?? ClientConfig.defaultURL)
        if withKey {
            config.apiKey = readLine()
        } else if let key = server.apiKey ?? surroundings.environment["ASSAY_API_KEY"], !key.isEmpty {
            config.apiKey = key
        } else if isAsking {
            config.apiKey = Self.askSecretly("API key (not shown): ")
        } else {
            throw ClientFailure.usage("there is nobody to ask: give the key with --with-key on standard input, or in ASSAY_API_KEY")
        }
        config.apiKey = config.apiKey?.trimmingCharacters(in: .whitespacesAndNewlines)
        guard config.apiKey?.isEmpty == false else { throw ClientFailure.usage("that is no key") }
        let identity = try await APIConnection.with(config) { try await $0.get(Identity.self, "/api/v1/me") }
        try surroundings.store(config)
        console.say("Signed in to \(identity.organizationName ?? identity.organization ?? "Assay") at \(config.url ?? "").")
        if config.project == nil { console.say("Say which project you work on with --project, ASSAY_PROJECT, or: assay login --project PROJECT") }
    }

    private static func ask(_ question: String) -> String {
        try? FileHandle.standardError.write(contentsOf: Data(question.utf8))
        return (readLine() ?? "").trimmingCharacters(in: .whitespaces)
    }

    /// What is typed is not shown, and shown again whatever happens.
    private static func askSecretly(_ question: String) -> String {
        try? FileHandle.standardError.write(contentsOf: Data(question.utf8))
        var before = termios()
        tcgetattr(STDIN_FILENO, &before)
        var silent = before
        silent.c_lflag &= ~tcflag_t(ECHO)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent)
        defer {
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &before)
            try? FileHandle.standardError.write(contentsOf: Data("\n".utf8))
        }
        return readLine() ?? ""
    }
}

/// `assay logout`
struct LogoutCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logout", abstract: "Forget the key on this machine.", discussion: "The key itself stays good until it is revoked.")

    func run() throws {
        let surroundings = Surroundings.current
        Console(surroundings).say(try surroundings.forgetConfig() ? "Forgot \(surroundings.configFile.path)." : "There was nothing to forget.")
    }
}

/// `assay whoami`
struct WhoAmICommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "whoami", abstract: "Whose key this is, and what it may do.")

    @OptionGroup var server: ServerOptions

    @Option(help: "table or json.")
    var output = OutputFormat.table

    func run() async throws {
        let surroundings = Surroundings.current
        let config = try server.config(surroundings)
        let console = Console(surroundings)
        let answer = try await APIConnection.with(config) { try await $0.get("/api/v1/me") }
        if output == .json { return console.write(answer + Data("\n".utf8)) }
        let identity = try APIConnection.decode(Identity.self, answer)
        let lines = [
            ("server", config.url ?? ClientConfig.defaultURL),
            ("organization", "\(identity.organizationName ?? "") (\(identity.organization ?? ""))"),
            ("actor", identity.actor ?? ""), ("project", config.project ?? "none is set"),
            ("may touch", identity.projects?.isEmpty == false ? (identity.projects ?? []).joined(separator: ", ") : "all projects"),
            ("permissions", (identity.permissions ?? []).joined(separator: " ")),
        ]
        for (name, value) in lines { console.say(name.padding(toLength: 14, withPad: " ", startingAt: 0) + Table.line(value)) }
    }
}

/// The answer of GET /api/v1/me.
struct Identity: Decodable, Sendable {
    let organization: String?
    let organizationName: String?
    let actor: String?
    let permissions: [String]?
    let projects: [String]?
}
