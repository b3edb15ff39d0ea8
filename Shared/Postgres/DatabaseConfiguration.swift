import Foundation
import Primitives

/// Where a database is and how it is used.
package struct DatabaseConfiguration: Sendable {
    /// `postgres://user:password@host:port/database?host=/socket/folder`
    package let url: Secret<String>
    package let user: String
    package let password: Secret<String>
    package var poolSize: Int
    /// Milliseconds that one statement may take (T35).
    package var statementTimeout: Int
    package var applicationName: String
    /// The service's schema; tables are named without it.
    package var searchPath: String

    private let host: String
    private let port: String
    private let database: String
    private let sslMode: String?

    /// - Throws: `config.database_url` saying what is wrong, without the password.
    package init(
        url: String, poolSize: Int = 8, statementTimeout: Int = 5000, applicationName: String = "assay", searchPath: String = "public"
    ) throws(Fault) {
        guard let parts = URLComponents(string: url), parts.scheme == "postgres" || parts.scheme == "postgresql" else {
            throw Self.wrong("it is not of the form postgres://user:password@host:port/database")
        }
        guard let user = parts.user, !user.isEmpty else { throw Self.wrong("it names no user") }
        let query = Dictionary(map: parts.queryItems ?? [])
        guard let host = query["host"] ?? parts.host, !host.isEmpty else { throw Self.wrong("it names no host") }
        if let unknown = Set(query.keys).subtracting(["host", "sslmode"]).first { throw Self.wrong("it has the unknown option \(unknown)") }
        self.url = Secret(url)
        self.user = user
        password = Secret(parts.password ?? "")
        self.host = host
        port = parts.port.map(String.init) ?? "5432"
        database = parts.path.count > 1 ? String(parts.path.dropFirst()) : user
        sslMode = query["sslmode"]
        self.poolSize = max(1, poolSize)
        self.statementTimeout = statementTimeout
        self.applicationName = applicationName
        self.searchPath = searchPath
    }

    /// What libpq is told. Its own defaults would wait for ever.
    var connectionParameters: [(String, String)] {
        let settings = [
            "search_path=\(searchPath)", "statement_timeout=\(statementTimeout)", "lock_timeout=\(statementTimeout)",
            "idle_in_transaction_session_timeout=60000", "timezone=UTC",
        ]
        var parameters = [
            ("host", host), ("port", port), ("dbname", database), ("user", user), ("password", password.reveal()),
            ("application_name", applicationName), ("client_encoding", "UTF8"), ("connect_timeout", "5"), ("tcp_user_timeout", "10000"),
            ("keepalives_idle", "10"), ("keepalives_interval", "5"), ("keepalives_count", "3"),
            ("options", settings.map { "-c \($0)" }.joined(separator: " ")),
        ]
        if let sslMode { parameters.append(("sslmode", sslMode)) }
        return parameters
    }

    private static func wrong(_ what: String) -> Fault {
        Fault(.invalid, "config.database_url", "The database URL cannot be used: \(what).")
    }
}

extension [String: String] {
    fileprivate init(map items: [URLQueryItem]) {
        self.init(items.map { ($0.name, $0.value ?? "") }, uniquingKeysWith: { first, _ in first })
    }
}
