import Foundation
import Postgres
import Primitives

/// All SQL about what rules saw of failures.
struct SymptomStore: Sendable {
    let database: Database

    static let columns: SQL =
        "s.message as seen_message, s.type, s.trace, s.system_err, s.system_out, s.http_status, s.error_code, s.outcome as seen_outcome"

    /// Keeps what is not kept yet. In the order of their hashes, so that two deliveries of the same failures never wait for each other.
    static func inserting(_ symptoms: [Data: Symptoms], tenant: ID<Tenant>) -> SQL {
        let ordered = symptoms.sorted { $0.key.lexicographicallyPrecedes($1.key) }
        let seen = ordered.map(\.value)
        return """
            insert into symptoms (tenant_id, hash, message, type, trace, system_err, http_status, error_code, outcome, system_out)
            select \(tenant), u.* from unnest(
                \(ordered.map(\.key))::bytea[], \(seen.map(\.message))::text[], \(seen.map(\.type))::text[], \(seen.map(\.trace))::text[],
                \(seen.map(\.standardError))::text[], \(seen.map(\.httpStatus))::integer[], \(seen.map(\.errorCode))::text[],
                \(seen.map(\.outcome.rawValue))::text[], \(seen.map(\.standardOutput))::text[]
            ) as u
            on conflict on constraint symptoms_pkey do nothing
            """
    }

    func find(_ hash: Data, tenant: ID<Tenant>) async throws -> Symptoms? {
        try await database.lookUp(
            .tenant(tenant), "select \(fragment: Self.columns) from symptoms s where s.tenant_id = \(tenant) and s.hash = \(hash)"
        ) { try Symptoms(row: $0) }
    }
}

extension Symptoms {
    init(row: Row) throws {
        self.init(
            message: try row.value("seen_message"), type: try row.value("type"), trace: try row.value("trace"),
            standardError: try row.value("system_err"), standardOutput: try row.value("system_out"), httpStatus: try row.value("http_status"),
            errorCode: try row.value("error_code"),
            outcome: try stored(row.value("seen_outcome")))
    }
}
