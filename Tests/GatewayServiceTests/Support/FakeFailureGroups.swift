import Audit
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
        var applied: [PBApplyToFailureGroupsRequest] = []
    }

    let state = Mutex(State())

    /// Stands for a group of which only this is shown.
    func add(_ id: String, _ state: PBFailureGroup.State = .new, says message: String) {
        self.state.withLock { known in
            known.groups.append(
                .with {
                    $0.id = id
                    $0.state = state
                    $0.template = message
                    $0.sampleMessage = message
                    $0.failures = 1
                    $0.tests = 1
                })
        }
    }

    fileprivate static func fits(_ group: PBFailureGroup, _ states: [PBFailureGroup.State], owner: String, text: String) -> Bool {
        (states.isEmpty || states.contains(group.state)) && (owner.isEmpty || group.owner == owner) && (text.isEmpty || group.template.contains(text))
    }
}

extension FakeFailureGroups: PBFailureGroups.SimpleServiceProtocol {
    fileprivate static let untold = Fault(.unavailable, "unavailable", "The fake knows lists alone.")

    func listFailureGroups(request: PBListFailureGroupsRequest, context: ServerContext) async throws -> PBListFailureGroupsResponse {
        let found = state.withLock { $0.groups.filter { Self.fits($0, request.state, owner: request.owner, text: request.q) } }
        return .with { $0.data = found }
    }

    func getFailureGroup(request: PBGetFailureGroupRequest, context: ServerContext) async throws -> PBFailureGroup { throw Self.untold }
    func listGroupFailures(request: PBListGroupFailuresRequest, context: ServerContext) async throws -> PBListGroupFailuresResponse {
        throw Self.untold
    }
    func listGroupTests(request: PBListGroupTestsRequest, context: ServerContext) async throws -> PBListGroupTestsResponse { throw Self.untold }
    func listGroupSignatures(request: PBListGroupSignaturesRequest, context: ServerContext) async throws -> PBListGroupSignaturesResponse {
        throw Self.untold
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
                let filter = request.filter
                guard FakeFailureGroups.fits(state.groups[place], filter.state, owner: filter.owner, text: filter.q) else { continue }
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
        throw untold
    }
    func reopenFailureGroup(request: PBReopenFailureGroupRequest, context: ServerContext) async throws -> PBFailureGroup {
        throw untold
    }
    func assignFailureGroup(request: PBAssignFailureGroupRequest, context: ServerContext) async throws -> PBFailureGroup {
        throw untold
    }
    func splitFailureGroup(request: PBSplitFailureGroupRequest, context: ServerContext) async throws -> PBFailureGroup {
        throw untold
    }
    func mergeFailureGroups(request: PBMergeFailureGroupsRequest, context: ServerContext) async throws -> PBFailureGroup {
        throw untold
    }
}
