import AnalyticsAPI
import Audit
import CommonAPI
import Foundation
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf

/// `assay.analytics.v1.EnvironmentIncidents`
struct EnvironmentIncidentsRPC: PBEnvironmentIncidents.SimpleServiceProtocol {
    let environments: EnvironmentStore
    var now: @Sendable () -> Date = { Date() }

    func listEnvironmentIncidents(
        request: PBListEnvironmentIncidentsRequest, context: ServerContext
    ) async throws -> PBListEnvironmentIncidentsResponse {
        let caller = Caller.current
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let project = try ID<Project>(request.project, field: "project")
        try caller.require(project: project)
        let states = try request.state.map { try EnvironmentIncident.State($0) }
        let order = try IncidentOrder(request.sort)
        let listed = try await environments.list(
            page, states: states.isEmpty ? nil : states, by: order, project: project, tenant: caller.tenant)
        return .with {
            $0.data = listed.items.map(PBEnvironmentIncident.init)
            $0.page = PBPage(listed)
        }
    }

    func getEnvironmentIncident(request: PBGetEnvironmentIncidentRequest, context: ServerContext) async throws -> PBEnvironmentIncident {
        try await PBEnvironmentIncident(find(request.incident))
    }

    func listEnvironmentFailures(
        request: PBListEnvironmentFailuresRequest, context: ServerContext
    ) async throws -> PBListEnvironmentFailuresResponse {
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let incident = try await find(request.incident)
        let listed = try await environments.failures(page, of: incident.id, tenant: Caller.current.tenant)
        return .with {
            $0.data = listed.items.map { found in
                var message = PBEnvironmentFailure(found.failure)
                message.suiteName = found.suiteName
                message.className = found.className
                message.name = found.name
                return message
            }
            $0.page = PBPage(listed)
        }
    }

    func declareEnvironmentIncident(
        request: PBDeclareEnvironmentIncidentRequest, context: ServerContext
    ) async throws -> PBEnvironmentIncident {
        let caller = Caller.current
        let project = try ID<Project>(request.project, field: "project")
        try caller.require(project: project)
        let now = now()
        let declaration = try EnvironmentDeclaration(
            EnvironmentPlace(EnvironmentIncident.Kind(request.kind), request.place), from: request.hasFrom ? request.from.date : nil,
            to: request.hasTo ? request.to.date : nil, at: now)
        let reason = try checked(request.reason, isNeeded: true)
        let (incident, changed) = try await environments.declare(
            declaration, of: project, by: caller.actor, reason: reason, at: now, tenant: caller.tenant)
        if !changed { AuditedCall.changedNothing() }
        return try await PBEnvironmentIncident(environments.get(incident, tenant: caller.tenant))
    }

    func dismissEnvironmentIncident(
        request: PBDismissEnvironmentIncidentRequest, context: ServerContext
    ) async throws -> PBEnvironmentIncident {
        try await decide(.dismissed, on: request.incident, reason: request.reason)
    }

    func reinstateEnvironmentIncident(
        request: PBReinstateEnvironmentIncidentRequest, context: ServerContext
    ) async throws -> PBEnvironmentIncident {
        try await decide(.reinstated, on: request.incident, reason: request.reason)
    }

    func listEnvironmentVerdicts(
        request: PBListEnvironmentVerdictsRequest, context: ServerContext
    ) async throws -> PBListEnvironmentVerdictsResponse {
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let listed = try await environments.verdicts(page, on: find(request.incident).id, tenant: Caller.current.tenant)
        return .with {
            $0.data = listed.items.map(PBEnvironmentVerdict.init)
            $0.page = PBPage(listed)
        }
    }

    func replayEnvironmentIncident(
        request: PBReplayEnvironmentIncidentRequest, context: ServerContext
    ) async throws -> PBEnvironmentReplay {
        try await PBEnvironmentReplay(environments.replay(find(request.incident), tenant: Caller.current.tenant))
    }

    private func decide(_ decision: EnvironmentVerdict.Decision, on text: String, reason: String) async throws -> PBEnvironmentIncident {
        let caller = Caller.current
        let reason = try checked(reason, isNeeded: false)
        let incident = try await find(text)
        let changed = try await environments.decide(decision, on: incident, by: caller.actor, reason: reason, at: now(), tenant: caller.tenant)
        if !changed { AuditedCall.changedNothing() }
        return try await PBEnvironmentIncident(environments.get(incident.id, tenant: caller.tenant))
    }

    /// - Throws: `request.invalid` at `/reason`.
    private func checked(_ reason: String, isNeeded: Bool) throws(Fault) -> String {
        guard reason.unicodeScalars.count <= EnvironmentVerdict.maxReason, !reason.utf8.contains(0) else {
            throw .invalidField("/reason", "invalid", "A reason has at most \(EnvironmentVerdict.maxReason) characters, and no NUL.")
        }
        guard !isNeeded || !reason.allSatisfy(\.isWhitespace) else { throw .invalidField("/reason", "missing", "Others need to know why.") }
        return reason
    }

    /// - Throws: `environment_incident.not_found`, also for one of a project that the caller may not see.
    private func find(_ text: String) async throws -> EnvironmentIncident {
        let caller = Caller.current
        let incident = try await environments.get(ID(text, field: "incident"), tenant: caller.tenant)
        try caller.require(project: incident.project)
        return incident
    }
}

extension IncidentOrder {
    /// - Throws: `request.invalid` at `sort`.
    init(_ message: PBEnvironmentIncidentSort.Value) throws(Fault) {
        switch message {
        case .environmentIncidentSortUnspecified, .lastFailure: self = .lastFailure
        case .id: self = .id
        case .UNRECOGNIZED: throw .invalidField("sort", "unknown", "sort must be LAST_FAILURE or ID.")
        }
    }
}
