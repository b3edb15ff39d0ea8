import Foundation
import Logging
import Postgres
import Primitives

/// A database made for one suite or test and dropped after it, migrated, with a role for the code under test that owns nothing.
package struct TestDatabase: Sendable {
    @TaskLocal static var bound: TestDatabase?

    /// The one of the running test, whose suite says `@Suite(.database(…))`.
    package static var current: TestDatabase {
        guard let bound else { preconditionFailure("this test has no database: give its suite the trait .database(…)") }
        return bound
    }

    /// As the service's own role; four connections.
    package let database: Database
    /// As a superuser.
    package let adminURL: String
    /// As the service's own role.
    package let appURL: String
    /// The first schema's name, which is on the search path of `database`.
    package let schema: String

    private let name: String
    private let role: String

    /// - Parameter schemas: the service's schema, and those of components that keep tables in it.
    static func make(_ schemas: [Schema]) async throws -> TestDatabase {
        guard let first = schemas.first else { preconditionFailure(".database(…) needs a schema") }
        let name = "test_" + UUID().uuidString.replacing("-", with: "").lowercased()
        let server = try serverURL()
        try await administer { try await $0.executeOutsideTransaction("create database \(identifier: name)") }
        let made = try TestDatabase(name: name, role: name + "_app", server: server, schema: first.name)
        do {
            let application = try DatabaseConfiguration(url: made.appURL, searchPath: made.schema)
            let migrator = try Migrator(
                adminURL: made.adminURL, application: application, schema: first, extras: Array(schemas.dropFirst()), logger: .silent)
            _ = try await migrator.migrate()
            return made
        } catch {
            await made.drop()
            throw error
        }
    }

    private init(name: String, role: String, server: String, schema: String) throws {
        self.name = name
        self.role = role
        self.schema = schema
        adminURL = try Self.url(server, database: name)
        appURL = try Self.url(server, user: role, password: "app", database: name)
        database = Database(try DatabaseConfiguration(url: appURL, poolSize: 4, applicationName: "tests", searchPath: schema), logger: .silent)
    }

    func drop() async {
        database.close()
        // What cannot be dropped now is in nobody's way: names are not used twice.
        _ = try? await Self.administer { server in
            try await server.executeOutsideTransaction("drop database if exists \(identifier: name) with (force)")
            try await server.executeOutsideTransaction("drop role if exists \(identifier: role)")
        }
    }

    /// A further pool of the service's role, such as a second replica would have. To be closed by the caller.
    package func pool(size: Int = 4, statementTimeout: Int = 5000) throws -> Database {
        let configuration = try DatabaseConfiguration(
            url: appURL, poolSize: size, statementTimeout: statementTimeout, applicationName: "tests", searchPath: schema)
        return Database(configuration, logger: .silent)
    }

    /// Runs `body` as a superuser in this database.
    @discardableResult
    package func administer<R>(_ body: (Database) async throws -> R) async throws -> R {
        try await Self.administer(adminURL, searchPath: schema, body)
    }

    // MARK: - The server

    /// - Throws: `NoTestDatabase` when no server is named.
    package static func serverURL() throws -> String {
        guard let url = ProcessInfo.processInfo.environment["ASSAY_TEST_DATABASE_URL"], !url.isEmpty else { throw NoTestDatabase() }
        return url
    }

    /// Runs `body` as a superuser in the server's own database, where databases are made and dropped.
    @discardableResult
    package static func administer<R>(_ body: (Database) async throws -> R) async throws -> R {
        do {
            return try await administer(serverURL(), searchPath: "public", body)
        } catch let error as PostgresError where error.sqlState.isEmpty {
            throw NoTestDatabase()
        }
    }

    private static func administer<R>(_ url: String, searchPath: String, _ body: (Database) async throws -> R) async throws -> R {
        // A copied template database and a forced drop write a lot; on a slow disk that takes more than the usual five seconds.
        let configuration = try DatabaseConfiguration(
            url: url, poolSize: 2, statementTimeout: 60_000, applicationName: "tests-admin", searchPath: searchPath)
        let database = Database(configuration, logger: .silent)
        defer { database.close() }
        return try await body(database)
    }

    private static func url(_ url: String, user: String? = nil, password: String? = nil, database: String) throws -> String {
        guard var parts = URLComponents(string: url) else { throw NoTestDatabase() }
        if let user { parts.user = user }
        if let password { parts.password = password }
        parts.path = "/" + database
        return parts.string ?? url
    }
}

/// The sentence that a suite fails with when there is nothing to test against; skipping would look like passing.
package struct NoTestDatabase: Error, CustomStringConvertible {
    package let description = "No test database: run deploy/test, or set ASSAY_TEST_DATABASE_URL to a superuser URL of a PostgreSQL 15 server."
}

extension Logger {
    /// Tests provoke failures by the hundred; what matters of them is asserted, not printed.
    package static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}
