import AnalyticsAPI
import Foundation
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf

/// `assay.analytics.v1.FailureEvidences`: what other services ask. A handful of statements, however many tests they ask about.
struct FailureEvidencesRPC: PBFailureEvidences.SimpleServiceProtocol {
    let failures: FailureEvidenceStore
    let tests: TestStore
    let stabilities: StabilityStore
    let quarantines: QuarantineStore

    func listFailureEvidence(request: PBListFailureEvidenceRequest, context: ServerContext) async throws -> PBListFailureEvidenceResponse {
        let caller = Caller.current
        let tenant = caller.tenant
        let project = try ID<Project>(request.project, field: "project")
        try caller.require(project: project)
        let run = try ID<Run>(request.run, field: "run")
        guard request.failures.count <= FailureEvidence.mostTests else {
            throw Fault.invalidField("/failures", "too_many", "At most \(FailureEvidence.mostTests) tests are asked about at once.")
        }
        var asked: [(test: ID<Test>, result: ID<Result>)] = []
        for (index, failure) in request.failures.enumerated() {
            asked.append((try ID(failure.test, field: "/failures/\(index)/test"), try ID(failure.result, field: "/failures/\(index)/result")))
        }
        guard !asked.isEmpty else { return PBListFailureEvidenceResponse() }
        let aliases = try await failures.aliases(asked.map(\.test), project: project, tenant: tenant)
        let places = asked.map { aliases[$0.test] ?? $0.test }
        let distinct = Set(places).sorted()
        let known = try await tests.find(distinct, tenant: tenant)
        let lines = try await stabilities.lines(of: distinct, tenant: tenant)
        let own = try await failures.own(of: distinct, in: run, startedAt: request.startedAt.date, tenant: tenant)
        let excuses = try await failures.excuses(of: asked.map(\.result) + own.values.joined().map(\.result), tenant: tenant)
        let excused = Set(excuses.keys)
        let entries = try await quarantines.entriesInForce(project: project, at: Date(), tenant: tenant)
        let quarantined = Dictionary(entries.map { ($0.test, $0) }) { first, _ in first }
        return .with { response in
            response.data = zip(asked, places).map { asked, place in
                // A test of another project tells nothing here.
                let test = known[place].flatMap { $0.project == project ? $0 : nil }
                let evidence = FailureEvidence(
                    test == nil ? TestLines() : lines[place] ?? TestLines(), without: own[place] ?? [],
                    on: (branch: request.branch, environment: request.environment), commit: request.commitSha, excused: excused)
                return PBFailureEvidence(
                    asked.test, evidence, test?.verdict, incident: excuses[asked.result]?.incident, by: quarantined[place])
            }
        }
    }
}

extension PBFailureEvidence {
    fileprivate init(
        _ test: ID<Test>, _ evidence: FailureEvidence, _ word: TestVerdict?, incident: EnvironmentIncident?, by entry: QuarantineInForce?
    ) {
        self.init()
        self.test = test.description
        if let verdict = evidence.verdict {
            let stability = PBStability(Stability(verdict))
            kind = stability.kind
            confidence = stability.confidence
            flakyChance = stability.flakyChance
            reasons = verdict.reasons.map(\.description)
            model = StabilityModel.current.edition
        }
        passedOnCommit = evidence.passedOnCommit
        if let since = evidence.failingSince { failingSince = .init(milliseconds: since) }
        if let word, word.kind != nil {
            said = PBStability(nil, word).kind
            saidBy = word.decidedBy
            saidReason = word.reason
        }
        if let incident {
            self.incident = incident.id.description
            incidentReason = incident.reason
        }
        if let entry {
            quarantined = true
            quarantine = entry.quarantine.description
            quarantineVersion = entry.version
        }
    }
}
