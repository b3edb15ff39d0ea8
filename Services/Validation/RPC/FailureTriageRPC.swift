import CommonAPI
import Foundation
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf
import ValidationAPI

/// `assay.validation.v1.FailureTriage`
struct FailureTriageRPC: PBFailureTriage.SimpleServiceProtocol {
    let triage: TriageStore
    let decisions: GroupingDecisionStore

    func listGroupingDecisions(request: PBListGroupingDecisionsRequest, context: ServerContext) async throws -> PBListGroupingDecisionsResponse {
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let group = request.group.isEmpty ? nil : try ID<FailureGroup>(request.group, field: "group")
        let listed = try await decisions.list(page, of: group, ProjectScope(request.project, for: Caller.current))
        return .with {
            $0.data = listed.items.map { PBGroupingDecision($0) }
            $0.page = PBPage(listed)
        }
    }

    func resolveFailureGroup(request: PBResolveFailureGroupRequest, context: ServerContext) async throws -> PBFailureGroup {
        let caller = Caller.current
        let resolution = try resolution(branch: request.branch, commit: request.commitSha)
        return try await PBFailureGroup(
            triage.apply(.resolve(resolution), to: ID(request.group, field: "group"), ProjectScope(request.project, for: caller)))
    }

    func reopenFailureGroup(request: PBReopenFailureGroupRequest, context: ServerContext) async throws -> PBFailureGroup {
        let caller = Caller.current
        return try await PBFailureGroup(
            triage.apply(
                .reopen(by: caller.actor, at: Date()), to: ID(request.group, field: "group"), ProjectScope(request.project, for: caller)))
    }

    func assignFailureGroup(request: PBAssignFailureGroupRequest, context: ServerContext) async throws -> PBFailureGroup {
        try await PBFailureGroup(
            triage.apply(
                .assign(request.owner.bounded(FailureGroup.maxOwner, at: "/owner")), to: ID(request.group, field: "group"),
                ProjectScope(request.project, for: Caller.current)))
    }

    func fileFailureGroup(request: PBFileFailureGroupRequest, context: ServerContext) async throws -> PBFiledFailures {
        let caller = Caller.current
        let word = TriageStore.Word(
            category: try Category(request.category, at: "/category"), severity: try Severity.given(request.severity, at: "/severity"),
            note: try request.note.bounded(Verdict.maxNote, at: "/note"))
        let last = request.after.isEmpty ? nil : try ID<Result>(request.after, field: "/after")
        return try await PBFiledFailures(
            triage.file(
                word, on: ID(request.group, field: "group"), after: last, by: caller.actor, ProjectScope(request.project, for: caller)))
    }

    func giveBackFailureGroup(request: PBGiveBackFailureGroupRequest, context: ServerContext) async throws -> PBFiledFailures {
        let caller = Caller.current
        return try await PBFiledFailures(
            triage.giveBack(ID(request.group, field: "group"), by: caller.actor, ProjectScope(request.project, for: caller)))
    }

    func splitFailureGroup(request: PBSplitFailureGroupRequest, context: ServerContext) async throws -> PBFailureGroup {
        let caller = Caller.current
        let signatures = try request.signatures.enumerated().map { try ID<Signature>($1, field: "/signatures/\($0)") }
        let results = try request.results.enumerated().map { try ID<Result>($1, field: "/results/\($0)") }
        return try await PBFailureGroup(
            decisions.split(
                signatures, and: results, from: ID(request.group, field: "group"), by: author(request.note), at: Date(),
                ProjectScope(request.project, for: caller)))
    }

    func cutFailureGroup(request: PBCutFailureGroupRequest, context: ServerContext) async throws -> PBGroupingDecision {
        let caller = Caller.current
        guard let text = Cut.text(try request.text.bounded(Cut.maxText, at: "/text")) else {
            throw Fault.invalidField("/text", "invalid_text", "Between \(Cut.minText) and \(Cut.maxText) characters of one line.")
        }
        let signature = request.signature.isEmpty ? nil : try ID<Signature>(request.signature, field: "/signature")
        return try await PBGroupingDecision(
            decisions.cut(
                signature, by: text, in: ID(request.group, field: "group"), by: author(request.note), at: Date(),
                ProjectScope(request.project, for: caller)))
    }

    func mergeFailureGroups(request: PBMergeFailureGroupsRequest, context: ServerContext) async throws -> PBFailureGroup {
        let others = try request.groups.enumerated().map { try ID<FailureGroup>($1, field: "/groups/\($0)") }
        return try await PBFailureGroup(
            decisions.merge(
                others, into: ID(request.group, field: "group"), by: author(request.note), at: Date(),
                ProjectScope(request.project, for: Caller.current)))
    }

    func applyToFailureGroups(request: PBApplyToFailureGroupsRequest, context: ServerContext) async throws -> PBApplyToFailureGroupsResponse {
        let caller = Caller.current
        let action: TriageStore.Action =
            switch request.action {
            case .resolve: .resolve(try resolution(branch: request.branch, commit: request.commitSha))
            case .reopen: .reopen(by: caller.actor, at: Date())
            case .assign: .assign(try request.owner.bounded(FailureGroup.maxOwner, at: "/owner"))
            case .unspecified, .UNRECOGNIZED: throw Fault.invalidField("/action", "invalid", "This is no action.")
            }
        let done = try await triage.apply(action, where: GroupFilter(request.filter), ProjectScope(request.project, for: caller))
        return .with {
            $0.changed = Int64(done.changed)
            $0.hasMore_p = done.hasMore
        }
    }

    private func resolution(branch: String, commit: String) throws(Fault) -> Resolution {
        Resolution(
            at: Date(), by: Caller.current.actor, branch: try branch.bounded(FailureGroup.maxBranch, at: "/branch"),
            commit: try commit.bounded(FailureGroup.maxCommit, at: "/commit_sha"))
    }

    private func author(_ note: String) throws(Fault) -> GroupingDecisionStore.Author {
        let caller = Caller.current
        return .init(actor: caller.actor, note: try note.bounded(FailureGroup.maxNote, at: "/note"), key: caller.idempotencyKey)
    }
}
