import Foundation

/// Where the server is and who asks: flags win over environment, environment over what `assay login` stored.
struct ClientConfig: Codable, Equatable, Sendable {
    static let defaultURL = "http://127.0.0.1:8080"

    /// Without a slash at the end.
    var url: String?
    var apiKey: String?
    /// Id or slug.
    var project: String?
    /// PEM file of an authority that is trusted besides the system's.
    var caFile: String?

    enum CodingKeys: String, CodingKey {
        case url, project
        case apiKey = "api_key"
        case caFile = "ca_file"
    }

    init(url: String? = nil, apiKey: String? = nil, project: String? = nil, caFile: String? = nil) {
        self.url = url
        self.apiKey = apiKey
        self.project = project
        self.caFile = caFile
    }

    /// `ASSAY_URL`, `ASSAY_API_KEY`, `ASSAY_PROJECT`, `ASSAY_CA_FILE`; empty ones count as absent.
    init(environment: [String: String]) {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        self.init(url: value("ASSAY_URL"), apiKey: value("ASSAY_API_KEY"), project: value("ASSAY_PROJECT"), caFile: value("ASSAY_CA_FILE"))
    }

    /// What is missing here is taken from `other`.
    func over(_ other: ClientConfig) -> ClientConfig {
        ClientConfig(url: url ?? other.url, apiKey: apiKey ?? other.apiKey, project: project ?? other.project, caFile: caFile ?? other.caFile)
    }

    /// - Throws: `usage` for what is no address of a server.
    static func checkedURL(_ text: String) throws -> String {
        var text = text.trimmingCharacters(in: .whitespacesAndNewlines)
        if !text.contains("://") { text = "https://" + text }
        while text.hasSuffix("/") { text.removeLast() }
        guard let url = URL(string: text), ["http", "https"].contains(url.scheme), let host = url.host(), !host.isEmpty, url.query() == nil else {
            throw ClientFailure.usage("\(text) is no address of an Assay server; it looks like https://assay.example.com")
        }
        return text
    }
}

/// What the client knows of the machine that it runs on: environment and folders.
struct Surroundings: Sendable {
    let environment: [String: String]

    static var current: Surroundings { Surroundings(environment: ProcessInfo.processInfo.environment) }

    /// `$XDG_CONFIG_HOME/assay/config.json`.
    var configFile: URL { folder("XDG_CONFIG_HOME", ".config").appending(path: "assay/config.json") }

    /// `$XDG_STATE_HOME/assay/outbox`.
    var outbox: URL { folder("XDG_STATE_HOME", ".local/state").appending(path: "assay/outbox") }

    /// Relative paths in these variables are to be ignored (XDG Base Directory Specification).
    private func folder(_ variable: String, _ fallback: String) -> URL {
        if let path = environment[variable], path.hasPrefix("/") { return URL(filePath: path) }
        if let home = environment["HOME"], home.hasPrefix("/") { return URL(filePath: home).appending(path: fallback) }
        return FileManager.default.temporaryDirectory.appending(path: "assay-\(getuid())").appending(path: fallback)
    }

    /// - Throws: `local` when there is a file that cannot be understood.
    func storedConfig() throws -> ClientConfig {
        guard let data = try? Data(contentsOf: configFile) else { return ClientConfig() }
        do {
            return try JSONDecoder().decode(ClientConfig.self, from: data)
        } catch {
            throw ClientFailure.local("\(configFile.path) is not what `assay login` writes; remove it and log in again")
        }
    }

    /// Readable by its owner only from its first byte on, and there in full or not at all.
    func store(_ config: ClientConfig) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try PrivateFile.write(try encoder.encode(config) + Data("\n".utf8), to: configFile)
    }

    /// - Returns: whether there was something to forget.
    func forgetConfig() throws -> Bool {
        guard FileManager.default.fileExists(atPath: configFile.path) else { return false }
        do {
            try FileManager.default.removeItem(at: configFile)
        } catch {
            throw ClientFailure.local("\(configFile.path) cannot be removed")
        }
        return true
    }
}
