import CommonAPI
import Foundation
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf
import ValidationAPI

/// `assay.validation.v1.FailureGroups`
struct FailureGroupsRPC: PBFailureGroups.SimpleServiceProtocol {
    let groups: GroupStore
    let members: GroupMemberStore
    let failures: FailureStore

    func listFailureGroups(request: PBListFailureGroupsRequest, context: ServerContext) async throws -> PBListFailureGroupsResponse {
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let listed = try await groups.list(
            page, GroupFilter(request), by: GroupSort(request.sort), ProjectScope(request.project, for: Caller.current))
        return .with {
            $0.data = listed.items.map(PBFailureGroup.init)
            $0.page = PBPage(listed)
        }
    }

    func getFailureGroup(request: PBGetFailureGroupRequest, context: ServerContext) async throws -> PBFailureGroup {
        let (group, _) = try await find(request.group, in: request.project)
        return PBFailureGroup(group)
    }

    func listGroupFailures(request: PBListGroupFailuresRequest, context: ServerContext) async throws -> PBListGroupFailuresResponse {
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let (group, scope) = try await find(request.group, in: request.project)
        let listed = try await failures.list(page, of: group.id, scope)
        return .with {
            $0.data = listed.items.map(PBFailure.init)
            $0.page = PBPage(listed)
        }
    }

    func listGroupTests(request: PBListGroupTestsRequest, context: ServerContext) async throws -> PBListGroupTestsResponse {
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let (group, scope) = try await find(request.group, in: request.project)
        let listed = try await members.tests(page, of: group.id, scope)
        let owners = try await members.owners(of: listed.items.map(\.test), in: group.id, scope)
        return .with {
            $0.data = listed.items.map { PBFailureGroupTest($0, of: owners[$0.test]) }
            $0.page = PBPage(listed)
        }
    }

    func listGroupSignatures(request: PBListGroupSignaturesRequest, context: ServerContext) async throws -> PBListGroupSignaturesResponse {
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let (group, scope) = try await find(request.group, in: request.project)
        let listed = try await members.signatures(page, of: group.id, scope)
        return .with {
            $0.data = listed.items.map(PBFailureSignature.init)
            $0.page = PBPage(listed)
        }
    }

    func listGroupMerges(request: PBListGroupMergesRequest, context: ServerContext) async throws -> PBListGroupMergesResponse {
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let (group, scope) = try await find(request.group, in: request.project)
        let listed = try await members.merges(page, of: group.id, scope)
        return .with {
            $0.data = listed.items.map(PBFailureGroupMerge.init)
            $0.page = PBPage(listed)
        }
    }

    func getGroupOccurrences(request: PBGetGroupOccurrencesRequest, context: ServerContext) async throws -> PBGroupOccurrences {
        let days = request.days == 0 ? Occurrences.defaultDays : Int(request.days)
        guard (1...Occurrences.maxDays).contains(days) else {
            throw Fault.invalidField("days", "out_of_range", "days must be between 1 and \(Occurrences.maxDays).")
        }
        let (group, scope) = try await find(request.group, in: request.project)
        let now = Date()
        let hours = try await groups.hours(of: group.id, since: Occurrences.start(days: days, now: now), step: Occurrences.step(days: days), scope)
        return PBGroupOccurrences(Occurrences(hours, days: days, now: now))
    }

    func replayFailureGroup(request: PBReplayFailureGroupRequest, context: ServerContext) async throws -> PBFailureGroupReplay {
        let caller = Caller.current
        let receipt = try await members.receipt(of: ID(request.result, field: "result"), tenant: caller.tenant)
        try caller.require(project: receipt.project)
        let (replay, merges) = try await members.replay(receipt, tenant: caller.tenant)
        return PBFailureGroupReplay(replay, merges, try await members.replayState(of: receipt, tenant: caller.tenant))
    }

    private func find(_ group: String, in project: String) async throws -> (FailureGroup, ProjectScope) {
        let scope = try ProjectScope(project, for: Caller.current)
        return (try await groups.get(ID(group, field: "group"), scope), scope)
    }
}

extension ProjectScope {
    /// - Throws: `project.not_found` for a project that the caller may not use.
    init(_ project: String, for caller: Caller) throws(Fault) {
        let id = try ID<Project>(project, field: "project")
        try caller.require(project: id)
        self.init(tenant: caller.tenant, project: id)
    }
}
