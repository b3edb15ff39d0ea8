import AnalyticsAPI
import CommonAPI
import Foundation
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf

/// `assay.analytics.v1.Quarantines`
struct QuarantinesRPC: PBQuarantines.SimpleServiceProtocol {
    let quarantines: QuarantineStore

    func createQuarantine(request: PBCreateQuarantineRequest, context: ServerContext) async throws -> PBQuarantine {
        let act = try act(request.project)
        let draft = try Quarantine.Draft(
            owner: request.owner, ticket: request.ticket, reason: request.reason, expiresAt: request.hasExpiresAt ? request.expiresAt.date : nil,
            at: act.now, quarantines.limits)
        let test = try await lasting(ID(request.test, field: "/test"), act.project)
        return try await PBQuarantine(quarantines.insert(draft, of: test, act), at: act.now)
    }

    func getQuarantine(request: PBGetQuarantineRequest, context: ServerContext) async throws -> PBQuarantine {
        let project = try project(request.project)
        let test = try await lasting(ID(request.test, field: "test"), project)
        return try await PBQuarantine(quarantines.get(test, project: project, tenant: Caller.current.tenant), at: Date())
    }

    func listQuarantines(request: PBListQuarantinesRequest, context: ServerContext) async throws -> PBListQuarantinesResponse {
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        guard !request.owner.utf8.contains(0) else { throw Fault.invalidField("owner", "invalid_character", "owner must not hold a NUL.") }
        var filter = QuarantineStore.Filter(owner: request.owner)
        for state in request.state { filter.states.insert(try Quarantine.State(state)) }
        let project = try project(request.project)
        if !request.test.isEmpty { filter.test = try await lasting(ID(request.test, field: "test"), project) }
        let now = Date()
        guard (0...QuarantineLimits.mostAhead).contains(request.expiresWithinDays) else {
            throw Fault.invalidField(
                "expires_within_days", "out_of_range", "expires_within_days must be between 1 and \(QuarantineLimits.mostAhead).")
        }
        if request.expiresWithinDays > 0 { filter.expiresBy = now.addingTimeInterval(Double(request.expiresWithinDays) * 86_400) }
        let listed = try await quarantines.list(page, filter, project: project, at: now, tenant: Caller.current.tenant)
        return .with {
            $0.data = listed.items.map { PBQuarantine($0, at: now) }
            $0.page = PBPage(listed)
        }
    }

    func listQuarantineVersions(
        request: PBListQuarantineVersionsRequest, context: ServerContext
    ) async throws -> PBListQuarantineVersionsResponse {
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let project = try project(request.project)
        let test = try await lasting(ID(request.test, field: "test"), project)
        let listed = try await quarantines.versions(page, of: test, project: project, tenant: Caller.current.tenant)
        let now = Date()
        return .with {
            $0.data = listed.items.map { PBQuarantineVersion($0, at: now) }
            $0.page = PBPage(listed)
        }
    }

    func updateQuarantine(request: PBUpdateQuarantineRequest, context: ServerContext) async throws -> PBQuarantine {
        let act = try act(request.project)
        let change = try Quarantine.Change(
            owner: request.hasOwner ? request.owner : nil, ticket: request.hasTicket ? request.ticket : nil,
            reason: request.hasReason ? request.reason : nil, expiresAt: request.hasExpiresAt ? request.expiresAt.date : nil, at: act.now,
            quarantines.limits)
        let test = try await lasting(ID(request.test, field: "test"), act.project)
        let changed = try await quarantines.update(change, of: test, version: request.version, act)
        return PBQuarantine(changed, at: act.now)
    }

    func liftQuarantine(request: PBLiftQuarantineRequest, context: ServerContext) async throws -> PBEmpty {
        let act = try act(request.project)
        try await quarantines.lift(lasting(ID(request.test, field: "test"), act.project), version: request.version, act)
        return PBEmpty()
    }

    private func lasting(_ test: ID<Test>, _ project: ID<Project>) async throws -> ID<Test> {
        try await quarantines.lasting(test, project: project, tenant: Caller.current.tenant)
    }

    private func project(_ text: String) throws -> ID<Project> {
        let project = try ID<Project>(text, field: "project")
        try Caller.current.require(project: project)
        return project
    }

    private func act(_ text: String) throws -> QuarantineStore.Act {
        let caller = Caller.current
        return QuarantineStore.Act(
            project: try project(text), tenant: caller.tenant, actor: caller.actor, key: caller.idempotencyKey, now: Date())
    }
}

extension Quarantine.State {
    /// - Throws: `request.invalid` at `state`.
    fileprivate init(_ message: PBQuarantine.State) throws(Fault) {
        switch message {
        case .active: self = .active
        case .expired: self = .expired
        case .lifted: self = .lifted
        case .unspecified, .UNRECOGNIZED: throw .invalidField("state", "unknown", "state must be ACTIVE, EXPIRED or LIFTED.")
        }
    }

    fileprivate var message: PBQuarantine.State {
        switch self {
        case .active: .active
        case .expired: .expired
        case .lifted: .lifted
        }
    }
}

extension PBQuarantine {
    init(_ quarantine: Quarantine, at now: Date) {
        self.init()
        id = quarantine.id.description
        project = quarantine.project.description
        test = quarantine.test.description
        suiteName = quarantine.suiteName
        className = quarantine.className
        name = quarantine.name
        state = quarantine.state(at: now).message
        owner = quarantine.owner
        ticket = quarantine.ticket
        reason = quarantine.reason
        expiresAt = .init(milliseconds: quarantine.expiresAt)
        createdBy = quarantine.createdBy
        createdAt = .init(milliseconds: quarantine.createdAt)
        if let liftedAt = quarantine.liftedAt {
            liftedBy = quarantine.liftedBy ?? ""
            self.liftedAt = .init(milliseconds: liftedAt)
        }
        executions = quarantine.cost.executions
        failures = quarantine.cost.failures
        costMinutes = quarantine.cost.minutes
        version = quarantine.version
    }
}

extension PBQuarantineVersion {
    fileprivate init(_ said: QuarantineVersion, at now: Date) {
        self.init()
        quarantine = said.quarantine.description
        version = said.version
        kind = said.kind.message
        owner = said.owner
        ticket = said.ticket
        reason = said.reason
        expiresAt = .init(milliseconds: said.expiresAt)
        saidBy = said.saidBy ?? ""
        if let saidAt = said.saidAt { self.saidAt = .init(milliseconds: saidAt) }
        if let ending = said.ending(at: now) {
            endedAt = .init(milliseconds: ending.at)
            expired = ending.isExpiry
        }
    }
}

extension QuarantineVersion.Kind {
    fileprivate var message: PBQuarantineVersion.Kind {
        switch self {
        case .created: .created
        case .changed: .changed
        case .lifted: .lifted
        }
    }
}
