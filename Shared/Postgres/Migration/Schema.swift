import Foundation
import Primitives

/// The numbered, forward-only DDL of one owner: a service, or a component such as Jobs that keeps tables in the service's schema.
package struct Schema: Sendable {
    /// The service's name and its PostgreSQL schema; for a component, the name under which its files are recorded.
    package let name: String
    package let files: [SchemaFile]

    package init(name: String, files: [SchemaFile]) {
        self.name = name
        self.files = files.sorted { $0.name < $1.name }
    }

    /// Reads `Schema/0001_….sql` and following from a target's resources.
    package init(name: String, bundle: Bundle) {
        let folder = bundle.bundleURL.appending(path: "Schema")
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).filter { $0.hasSuffix(".sql") }
        // An unreadable file becomes an empty one, whose checksum `Migrator` refuses on every database but a new one.
        self.init(
            name: name,
            files: names.map { SchemaFile(name: $0, sql: (try? String(contentsOf: folder.appending(path: $0), encoding: .utf8)) ?? "") })
    }
}

/// One migration.
package struct SchemaFile: Sendable {
    /// `0001_runs.sql`: four digits give the order, the rest says what it makes.
    package let name: String
    package let sql: String

    package init(name: String, sql: String) {
        self.name = name
        self.sql = sql
    }
}
