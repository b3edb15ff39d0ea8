import Foundation
import Postgres
import Primitives

// Rows of the tables of `EnvironmentStore`.

extension EnvironmentIncident {
    /// - Throws: `environment_incident.unknown_value`, which means that a newer release wrote the row.
    init(row: Row) throws {
        guard let kind = Kind(rawValue: try row.value("kind")), let state = State(rawValue: try row.value("state")) else {
            throw Fault(.internal, "environment_incident.unknown_value", "The incident cannot be read.")
        }
        self.init(
            id: try row.value("id"), project: try row.value("project_id"), kind: kind, place: try row.value("place"), state: state,
            evidence: Evidence(
                contrast: try Evidence.contrast(row: row), tests: Int(try row.value("tests", as: Int32.self)),
                groups: Int(try row.value("groups", as: Int32.self)),
                compared: Int(try row.value("compared", as: Int32.self)), there: Int(try row.value("there", as: Int32.self)),
                expected: try row.value("expected"), chance: try row.value("chance"), tried: try row.value("tried", as: Int64?.self).map { Int($0) },
                inputHash: UInt64(bitPattern: try row.value("input_hash", as: Int64.self)), edition: try row.value("edition"),
                numbersHash: try row.value("numbers_hash", as: Int64?.self).map { UInt64(bitPattern: $0) }, lookedAt: try row.value("looked_at")),
            failures: Int(try row.value("failures", as: Int32.self)), from: try row.value("from_at"), to: try row.value("to_at"),
            dismissedBy: try row.value("dismissed_by"), dismissalReason: try row.value("dismissal_reason"),
            dismissedAt: try row.value("dismissed_at"), declaredBy: try row.value("declared_by"), declaredAt: try row.value("declared_at"),
            isUpheld: try row.value("upheld"), version: try row.value("version"))
    }
}

extension EnvironmentIncident.Evidence {
    fileprivate static func contrast(row: Row) throws -> EnvironmentContrast {
        // A release that had but one left what stood there.
        guard try row.value("edition", as: Int32.self) > 2 else { return .sameCommit }
        guard let contrast = EnvironmentContrast(rawValue: try row.value("contrast")) else {
            throw Fault(.internal, "environment_incident.unknown_value", "The incident cannot be read.")
        }
        return contrast
    }
}

extension PlacedRun.Place {
    init(row: Row) throws {
        self.init(run: try row.value("run_id"), host: try row.value("host"), zone: try row.value("zone"))
    }
}

extension PlacedFailure {
    init(row: Row) throws {
        self.init(
            result: try row.value("result_id"), test: try row.value("test_id"), place: try PlacedRun.Place(row: row),
            group: UInt64(bitPattern: try row.value("group_hash", as: Int64.self)), branch: try row.value("branch"),
            environment: try row.value("environment"), commit: try row.value("commit_sha"), startedAt: try row.value("started_at"),
            failedTries: Int(try row.value("failed_tries", as: Int16.self)), passed: try row.value("passed"), incident: try row.value("incident_id"),
            isSaid: try row.value("said_environment"))
    }
}

extension EnvironmentExcuse {
    /// - Parameter row: with the columns of an incident, which are null where there is none.
    init(row: Row) throws {
        let id = try row.value("id", as: ID<EnvironmentIncident>?.self)
        self.init(incident: try id.map { _ in try EnvironmentIncident(row: row) })
    }
}

extension EnvironmentVerdict {
    /// - Throws: `environment_incident.unknown_value`, which means that a newer release wrote the row.
    init(row: Row) throws {
        guard let stored = Kind(rawValue: try row.value("kind")) else {
            throw Fault(.internal, "environment_incident.unknown_value", "What was said of the incident cannot be read.")
        }
        self.init(
            incident: try row.value("incident_id"), version: try row.value("version"),
            kind: try row.value("declared", as: Bool.self) ? .declared : stored, reason: try row.value("reason"),
            decidedBy: try row.value("decided_by"), decidedAt: try row.value("decided_at"))
    }
}

/// Where a page of incidents ends: microseconds since the epoch and the incident.
struct IncidentCursor: CustomStringConvertible {
    let to: Date
    let incident: ID<EnvironmentIncident>

    init(to: Date, incident: ID<EnvironmentIncident>) {
        self.to = to
        self.incident = incident
    }

    /// - Throws: `page.invalid_cursor`.
    init?(_ text: String?) throws(Fault) {
        guard let text else { return nil }
        let parts = text.split(separator: "~")
        guard parts.count == 2, let microseconds = Int64(parts[0]), let incident = try? ID<EnvironmentIncident>(String(parts[1])) else {
            throw .invalidCursor
        }
        self.init(to: Date(timeIntervalSince1970: Double(microseconds) / 1_000_000), incident: incident)
    }

    var description: String { "\(Int64((to.timeIntervalSince1970 * 1_000_000).rounded()))~\(incident)" }
}
