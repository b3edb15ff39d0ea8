import AnalyticsAPI
import CommonAPI
import Foundation
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf

/// `assay.analytics.v1.Stabilities`
struct StabilitiesRPC: PBStabilities.SimpleServiceProtocol {
    let tests: TestStore
    let stabilities: StabilityStore
    let quarantines: QuarantineStore
    let revisions: RevisionStore

    private var environments: EnvironmentStore { EnvironmentStore(database: stabilities.database, stabilities: stabilities) }

    func getTestStability(request: PBGetTestStabilityRequest, context: ServerContext) async throws -> PBTestStability {
        let caller = Caller.current
        let test = try await tests.get(ID(request.test, field: "test"), tenant: caller.tenant)
        try caller.require(project: test.project)
        let revision = try await revisions.current(project: test.project, tenant: caller.tenant).number
        guard request.revision != revision else { return .with { $0.revision = revision } }
        let known = try await stabilities.lines(of: [test.id], tenant: caller.tenant)[test.id] ?? TestLines()
        let wish = request.branch.isEmpty && request.environment.isEmpty ? nil : (branch: request.branch, environment: request.environment)
        if let wish, !known.lines.contains(where: { $0.branch == wish.branch && $0.environment == wish.environment }) {
            throw Fault(.notFound, "test_line.not_found", "Nothing is known of the test on this branch in this environment.")
        }
        let lines = known.ordered(first: wish)
        let verdict = StabilityVerdict(lines.map(\.state))
        var reasons = verdict.reasons.map(PBStabilityReason.init)
        for index in reasons.indices where reasons[index].hasSince {
            reasons[index].commitSha = try await stabilities.commit(of: test.id, at: reasons[index].since.milliseconds, tenant: caller.tenant)
        }
        if reasons.contains(where: { $0.kind == .environmentFailures }) {
            let excuses = try await environments.latest(of: [test.id], tenant: caller.tenant)
            reasons.name(excuses[test.id])
        }
        return .with {
            $0.test = PBTest(test)
            $0.stability = PBStability(Stability(verdict), test.verdict)
            $0.reasons = reasons
            $0.lines = lines.map(PBTestLine.init)
            $0.model = StabilityModel.current.edition
            $0.basis = lines.map { Data($0.bytes) }
            $0.messages = lines.map { Data($0.messages) }
            $0.revision = revision
            $0.inputHash = PBStabilityReceipt.text(StabilityReceipt.hash(of: lines))
        }
    }

    func listFlakyTests(request: PBListFlakyTestsRequest, context: ServerContext) async throws -> PBListFlakyTestsResponse {
        let caller = Caller.current
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let project = try ID<Project>(request.project, field: "project")
        try caller.require(project: project)
        let (said, search, order, now) = (try TestStore.Said(request.said), try TestSearch(request.q), try TestOrder(request.sort), Date())
        let revision = try await revisions.withQuarantines(project: project, at: now, tenant: caller.tenant)
        guard request.revision != revision else { return .with { $0.revision = revision } }
        async let inForce = quarantines.inForce(project: project, at: now, tenant: caller.tenant)
        let listed = try await tests.flaky(page, said: said, matching: search, by: order, project: project, tenant: caller.tenant)
        let reasons = try await reasons(of: listed.items, tenant: caller.tenant)
        let excused = listed.items.map(\.test.id).filter { reasons[$0]?.tellOfEnvironment ?? false }
        let excuses = try await environments.latest(of: excused, tenant: caller.tenant)
        let quarantined = Set(try await inForce)
        return .with {
            $0.data = listed.items.map { known in
                .with {
                    $0.test = PBTest(known.test)
                    $0.reasons = (reasons[known.test.id] ?? []).map(PBStabilityReason.init)
                    $0.reasons.name(excuses[known.test.id])
                    $0.quarantined = quarantined.contains(known.test.id)
                }
            }
            $0.page = PBPage(listed)
            $0.revision = revision
        }
    }

    /// As they are kept; of the others what is remembered says them.
    private func reasons(of tests: [FlakyTest], tenant: ID<Tenant>) async throws -> [ID<Test>: [StabilityReason]] {
        let unkept = tests.filter { $0.reasons == nil }.map(\.test.id)
        let lines = unkept.isEmpty ? [:] : try await stabilities.lines(of: unkept, tenant: tenant)
        let kept = tests.compactMap { known in known.reasons.map { (known.test.id, $0) } }
        return Dictionary(kept) { first, _ in first }.merging(lines.mapValues(\.verdict.reasons)) { first, _ in first }
    }
}

extension [PBStabilityReason] {
    /// Says what the environment's failures are put down to, an incident or a person's word, if any is known.
    fileprivate mutating func name(_ excuse: EnvironmentExcuse?) {
        guard let excuse, let index = firstIndex(where: { $0.kind == .environmentFailures }) else { return }
        if let incident = excuse.incident { self[index].incident = incident.id.description }
        self[index].detail += " " + excuse.reason
    }
}

extension [StabilityReason] {
    fileprivate var tellOfEnvironment: Bool {
        contains { if case .environmentFailures = $0 { true } else { false } }
    }
}

extension TestStore.Said {
    /// - Throws: `request.invalid` at `said`.
    fileprivate init(_ message: PBListFlakyTestsRequest.Said) throws(Fault) {
        switch message {
        case .unspecified: self = .anybody
        case .byPerson: self = .person
        case .byMachine: self = .machine
        case .overruled: self = .machineOverruled
        case .UNRECOGNIZED: throw .invalidField("said", "unknown", "said must be BY_PERSON, BY_MACHINE or OVERRULED.")
        }
    }
}
