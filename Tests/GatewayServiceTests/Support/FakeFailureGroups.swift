import Audit
import CommonAPI
import Foundation
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf
import Synchronization
import ValidationAPI

@testable import GatewayService

/// Groups of failures as Validation keeps them: a filter selects what fulfils it at the moment of the call.
final class FakeFailureGroups: Sendable {
    struct State: Sendable {
        var groups: [PBFailureGroup] = []
        /// Of each group.
        var signatures: [PBFailureSignature] = []
        var listed: [PBListFailureGroupsRequest] = []
        var applied: [PBApplyToFailureGroupsRequest] = []
        var resolved: [PBResolveFailureGroupRequest] = []
        var filed: [PBFileFailureGroupRequest] = []
        var givenBack: [PBGiveBackFailureGroupRequest] = []
        var cut: [PBCutFailureGroupRequest] = []
        /// Calls after which all failures of a group are filed.
        var filings = 1
    }

    let state = Mutex(State())

    /// Stands for a group of which only this is shown.
    func add(
        _ id: String, _ state: PBFailureGroup.State = .new, says message: String, category: PBCategory.Value = .unknown, owner: String = ""
    ) {
        self.state.withLock { known in
            known.groups.append(
                .with {
                    $0.id = id
                    $0.state = state
                    $0.template = message
                    $0.sampleMessage = message
                    $0.category = category
                    $0.owner = owner
                    $0.failures = 1
                    $0.tests = 1
                    $0.lastSeen.result = "res_1"
                })
        }
    }

    fileprivate static func fits(_ group: PBFailureGroup, _ filter: PBFailureGroupFilter) -> Bool {
        (filter.state.isEmpty || filter.state.contains(group.state)) && (filter.category.isEmpty || filter.category.contains(group.category))
            && (filter.owner.isEmpty || group.owner == filter.owner) && (filter.q.isEmpty || group.template.contains(filter.q))
    }
}

extension FakeFailureGroups: PBFailureGroups.SimpleServiceProtocol {
    fileprivate static let untold = Fault(.unavailable, "unavailable", "The fake knows lists alone.")

    func listFailureGroups(request: PBListFailureGroupsRequest, context: ServerContext) async throws -> PBListFailureGroupsResponse {
        let filter = PBFailureGroupFilter.with {
            $0.state = request.state
            $0.category = request.category
            $0.owner = request.owner
            $0.q = request.q
        }
        let found = state.withLock { known in
            known.listed.append(request)
            return known.groups.filter { Self.fits($0, filter) }
        }
        let start = Int(request.cursor) ?? 0
        return .with {
            $0.data = Array(found.dropFirst(start).prefix(Int(request.limit)))
            $0.page = Self.page(start + $0.data.count, of: found.count)
        }
    }

    private static func page(_ end: Int, of count: Int) -> PBPage {
        .with {
            $0.hasMore_p = end < count
            $0.nextCursor = end < count ? "\(end)" : ""
        }
    }

    func getFailureGroup(request: PBGetFailureGroupRequest, context: ServerContext) async throws -> PBFailureGroup {
        guard let found = state.withLock({ $0.groups.first { $0.id == request.group } }) else { throw Self.untold }
        return found
    }
    func listGroupFailures(request: PBListGroupFailuresRequest, context: ServerContext) async throws -> PBListGroupFailuresResponse {
        throw Self.untold
    }
    func listGroupTests(request: PBListGroupTestsRequest, context: ServerContext) async throws -> PBListGroupTestsResponse { throw Self.untold }
    func listGroupSignatures(request: PBListGroupSignaturesRequest, context: ServerContext) async throws -> PBListGroupSignaturesResponse {
        let all = state.withLock { $0.signatures }
        let start = Int(request.cursor) ?? 0
        return .with {
            $0.data = Array(all.dropFirst(start).prefix(Int(request.limit)))
            $0.page = Self.page(start + $0.data.count, of: all.count)
        }
    }
    func listGroupMerges(request: PBListGroupMergesRequest, context: ServerContext) async throws -> PBListGroupMergesResponse { throw Self.untold }
    func replayFailureGroup(request: PBReplayFailureGroupRequest, context: ServerContext) async throws -> PBFailureGroupReplay {
        throw Self.untold
    }
    func getGroupOccurrences(request: PBGetGroupOccurrencesRequest, context: ServerContext) async throws -> PBGroupOccurrences {
        throw Self.untold
    }
}

/// What people decide about them.
struct FakeFailureTriage: PBFailureTriage.SimpleServiceProtocol {
    let groups: FakeFailureGroups
    private let untold = FakeFailureGroups.untold

    func applyToFailureGroups(request: PBApplyToFailureGroupsRequest, context: ServerContext) async throws -> PBApplyToFailureGroupsResponse {
        AuditedCall.changedNothing()
        guard request.owner != "nobody" else { throw Fault.invalidField("/owner", "invalid_text", "Nobody is called so.") }
        return groups.state.withLock { state in
            state.applied.append(request)
            var changed: Int64 = 0
            for place in state.groups.indices {
                guard FakeFailureGroups.fits(state.groups[place], request.filter) else { continue }
                switch request.action {
                case .resolve: state.groups[place].state = .resolved
                case .reopen: state.groups[place].state = .ongoing
                default: state.groups[place].owner = request.owner
                }
                changed += 1
            }
            return .with { $0.changed = changed }
        }
    }

    func listGroupingDecisions(request: PBListGroupingDecisionsRequest, context: ServerContext) async throws -> PBListGroupingDecisionsResponse {
        throw untold
    }
    func resolveFailureGroup(request: PBResolveFailureGroupRequest, context: ServerContext) async throws -> PBFailureGroup {
        AuditedCall.changedNothing()
        return groups.state.withLock { state in
            state.resolved.append(request)
            return .with { $0.id = request.group }
        }
    }
    func reopenFailureGroup(request: PBReopenFailureGroupRequest, context: ServerContext) async throws -> PBFailureGroup {
        throw untold
    }
    func assignFailureGroup(request: PBAssignFailureGroupRequest, context: ServerContext) async throws -> PBFailureGroup {
        AuditedCall.changedNothing()
        return try groups.state.withLock { state in
            guard let place = state.groups.firstIndex(where: { $0.id == request.group }) else { throw untold }
            state.groups[place].owner = request.owner
            return state.groups[place]
        }
    }
    func fileFailureGroup(request: PBFileFailureGroupRequest, context: ServerContext) async throws -> PBFiledFailures {
        AuditedCall.changedNothing()
        guard request.category != .categoryUnspecified else { throw Fault.invalidField("/category", "invalid", "This is no category.") }
        return groups.state.withLock { state in
            state.filed.append(request)
            let filed = state.filed.count
            let hasMore = filed < state.filings
            return .with {
                $0.failures = 2_000
                $0.hasMore_p = hasMore
                $0.lastResult = "res_\(filed)"
            }
        }
    }
    func giveBackFailureGroup(request: PBGiveBackFailureGroupRequest, context: ServerContext) async throws -> PBFiledFailures {
        AuditedCall.changedNothing()
        groups.state.withLock { $0.givenBack.append(request) }
        return .with { $0.failures = 1 }
    }
    func splitFailureGroup(request: PBSplitFailureGroupRequest, context: ServerContext) async throws -> PBFailureGroup {
        throw untold
    }
    func cutFailureGroup(request: PBCutFailureGroupRequest, context: ServerContext) async throws -> PBGroupingDecision {
        AuditedCall.changedNothing()
        guard request.text != "nowhere" else {
            throw Fault(.invalid, "failure_groups.text_nowhere", "None of the newest 7 failures contains this text.")
        }
        return groups.state.withLock { state in
            state.cut.append(request)
            return .with {
                $0.id = "gdc_1"
                $0.kind = .cut
            }
        }
    }
    func mergeFailureGroups(request: PBMergeFailureGroupsRequest, context: ServerContext) async throws -> PBFailureGroup {
        throw untold
    }
}
