import CommonAPI
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf
import ValidationAPI

/// `assay.validation.v1.Baselines`
struct BaselinesRPC: PBBaselines.SimpleServiceProtocol {
    let baselines: BaselineStore

    func createBaseline(request: PBCreateBaselineRequest, context: ServerContext) async throws -> PBBaseline {
        let caller = Caller.current
        // A fork may send its results, and nothing that those of others are held against.
        guard caller.lane == .trusted else { throw Fault(.forbidden, "permission.missing", "A build that is not trusted proposes no baseline.") }
        try Baseline.checkNote(request.note)
        return try await PBBaseline(
            baselines.insert(
                run: ID(request.run, field: "/run"), note: request.note, by: Baseline.Author(caller), project: project(request.project),
                tenant: caller.tenant))
    }

    func getBaseline(request: PBGetBaselineRequest, context: ServerContext) async throws -> PBBaseline {
        let caller = Caller.current
        let baseline = try await baselines.get(ID(request.baseline, field: "baseline"), tenant: caller.tenant)
        try caller.require(project: baseline.project)
        return PBBaseline(baseline)
    }

    func listBaselines(request: PBListBaselinesRequest, context: ServerContext) async throws -> PBListBaselinesResponse {
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        for (name, text) in [("branch", request.branch), ("environment", request.environment)] where text.utf8.contains(0) {
            throw Fault.invalidField(name, "invalid_character", "\(name) must not hold a NUL.")
        }
        var states: [Baseline.State] = []
        for state in request.state { states.append(try Baseline.State(state)) }
        let listed = try await baselines.list(
            page, branch: request.hasBranch ? request.branch : nil, environment: request.hasEnvironment ? request.environment : nil, states: states,
            project: project(request.project), tenant: Caller.current.tenant)
        return .with {
            $0.data = listed.items.map(PBBaseline.init)
            $0.page = PBPage(listed)
        }
    }

    func approveBaseline(request: PBApproveBaselineRequest, context: ServerContext) async throws -> PBBaseline {
        try await decide(.approve, request.baseline, request.note)
    }

    func rejectBaseline(request: PBRejectBaselineRequest, context: ServerContext) async throws -> PBBaseline {
        try await decide(.reject, request.baseline, request.note)
    }

    func withdrawBaseline(request: PBWithdrawBaselineRequest, context: ServerContext) async throws -> PBBaseline {
        let caller = Caller.current
        try Baseline.checkNote(request.note)
        return try await PBBaseline(
            baselines.withdraw(ID(request.baseline, field: "baseline"), note: request.note, by: caller.actor, tenant: caller.tenant) {
                try caller.require(project: $0.project)
            })
    }

    func getBaselineSettings(request: PBGetBaselineSettingsRequest, context: ServerContext) async throws -> PBBaselineSettings {
        try await PBBaselineSettings(baselines.settings(of: project(request.project), tenant: Caller.current.tenant))
    }

    func putBaselineSettings(request: PBPutBaselineSettingsRequest, context: ServerContext) async throws -> PBBaselineSettings {
        try await PBBaselineSettings(
            baselines.put(
                twoPersons: request.twoPersons, version: request.version, of: project(request.project), tenant: Caller.current.tenant))
    }

    private func decide(_ decision: Baseline.Decision, _ id: String, _ note: String) async throws -> PBBaseline {
        let caller = Caller.current
        try Baseline.checkNote(note)
        return try await PBBaseline(
            baselines.decide(ID(id, field: "baseline"), decision, note: note, by: Baseline.Author(caller), tenant: caller.tenant) {
                try caller.require(project: $0.project)
            })
    }

    private func project(_ text: String) throws -> ID<Project> {
        let project = try ID<Project>(text, field: "project")
        try Caller.current.require(project: project)
        return project
    }
}

extension Baseline.Author {
    init(_ caller: Caller) { self.init(actor: caller.actor, persons: caller.persons) }
}
