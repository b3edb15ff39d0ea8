import Foundation
import Postgres
import Primitives

/// All SQL about what reports say of whole suites.
struct RunSuiteStore: Sendable {
    let database: Database

    /// - Parameter first: position of the first of them in the upload.
    func insert(
        _ suites: [ReportedSuite], from first: Int, of upload: ID<Upload>, run: ID<Run>, tenant: ID<Tenant>, in tx: Transaction
    ) async throws {
        guard !suites.isEmpty else { return }
        try await tx.execute(
            """
            insert into run_suites (tenant_id, run_id, upload_id, position, name, file, properties, system_out, system_err)
            select \(tenant), \(run), \(upload), u.*
            from unnest(
                \(suites.indices.map { Int32(first + $0) }), \(suites.map(\.name)), \(suites.map(\.file)),
                \(try suites.map { try JSONText(encoding: $0.properties) }), \(suites.map(\.systemOut)), \(suites.map(\.systemErr))) as u
            """)
    }

    /// What suites of an upload put out, in the order of its reports; empty for those that said nothing.
    func outputs(of upload: ID<Upload>, run: ID<Run>, from first: Int, limit: Int, tenant: ID<Tenant>) async throws -> [String] {
        try await database.rows(
            .tenant(tenant),
            """
            select concat_ws(E'\\n', nullif(system_out, ''), nullif(system_err, '')) as output from run_suites
            where tenant_id = \(tenant) and run_id = \(run) and upload_id = \(upload) and position >= \(Int32(first))
              and position < \(Int32(first + limit))
            order by position
            """
        ) { try $0.value("output") }
    }

    /// In the order of their uploads, and in an upload in the order of its reports.
    func list(_ run: ID<Run>, _ page: PageRequest, tenant: ID<Tenant>) async throws -> Page<RunSuite> {
        let after = try page.cursor.map { text throws(Fault) in try RunSuiteCursor(text) }
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select upload_id, position, name, file, properties, system_out, system_err from run_suites
            where tenant_id = \(tenant) and run_id = \(run)
              and (\(after?.upload)::uuid is null or (upload_id, position) > (\(after?.upload), \(after?.position)))
            order by upload_id, position
            limit \(page.limit + 1)
            """
        ) { try RunSuite(row: $0) }
        return Page(rows: rows, limit: page.limit) { RunSuiteCursor(upload: $0.upload, position: $0.position).text }
    }
}

/// Where a page of suites ended: `<upload>.<position>`.
private struct RunSuiteCursor {
    let upload: ID<Upload>
    let position: Int32

    init(upload: ID<Upload>, position: Int32) {
        self.upload = upload
        self.position = position
    }

    /// - Throws: `page.invalid_cursor`.
    init(_ text: String) throws(Fault) {
        let parts = text.split(separator: ".")
        guard parts.count == 2, let upload = try? ID<Upload>(String(parts[0])), let position = Int32(parts[1]) else { throw .invalidCursor }
        self.init(upload: upload, position: position)
    }

    var text: String { "\(upload).\(position)" }
}

extension RunSuite {
    fileprivate init(row: Row) throws {
        upload = try row.value("upload_id")
        position = try row.value("position")
        suite = ReportedSuite(
            name: try row.value("name"), file: try row.value("file"),
            properties: try row.value("properties", as: JSONText.self).decode([ResultExtras.Property].self),
            systemOut: try row.value("system_out"), systemErr: try row.value("system_err"))
    }
}
