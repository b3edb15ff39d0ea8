import AnalyticsAPI
import Audit
import CommonAPI
import Foundation
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf
import Synchronization

@testable import GatewayService

/// One test, `tst_1` of the project `web`, which is called `pays`. It is listed for whoever searches it, on each of two pages.
struct FakeTests: PBTests.SimpleServiceProtocol {
    let revision: FakeRevision

    func getTest(request: PBGetTestRequest, context: ServerContext) async throws -> PBTest {
        guard request.test == "tst_1" else { throw Fault.notFound("test", request.test) }
        return .with {
            $0.id = request.test
            $0.project = "web"
            $0.name = "pays"
        }
    }

    func listTests(request: PBListTestsRequest, context: ServerContext) async throws -> PBListTestsResponse {
        revision.answer(known: request.revision, \.revision, empty: PBListTestsResponse()) {
            guard !request.q.isEmpty, "pays".contains(request.q.lowercased()) else { return PBListTestsResponse() }
            return .with {
                $0.data = [.with { ($0.id, $0.name) = ("tst_1", "pays") }]
                $0.page = .with { ($0.hasMore_p, $0.nextCursor) = (request.cursor.isEmpty, request.cursor.isEmpty ? "tst_1" : "") }
            }
        }
    }

    func listHistory(request: PBListHistoryRequest, context: ServerContext) async throws -> PBListHistoryResponse {
        revision.answer(known: request.revision, \.revision, empty: PBListHistoryResponse()) { PBListHistoryResponse() }
    }
}

/// What people say of `tst_1`.
final class FakeTestVerdicts: PBTestVerdicts.SimpleServiceProtocol {
    /// All that was said, the oldest first.
    let words = Mutex<[PBTestVerdict]>([])
    let verdict = Mutex<PBTestVerdict>(
        .with {
            $0.test = "tst_1"
            $0.version = 1
        })

    func getTestVerdict(request: PBGetTestVerdictRequest, context: ServerContext) async throws -> PBTestVerdict { verdict.withLock { $0 } }

    func putTestVerdict(request: PBPutTestVerdictRequest, context: ServerContext) async throws -> PBTestVerdict {
        AuditedCall.changedNothing()
        guard request.kind != .unspecified else { throw Fault.invalidField("/kind", "required", "Say what the test is.") }
        guard !request.reason.isEmpty else { throw Fault.invalidField("/reason", "length", "A reason has 1 to 1000 characters.") }
        return try change(request.version) { verdict in
            verdict.kind = request.kind
            verdict.reason = request.reason
            verdict.decidedBy = "usr_1"
            verdict.decidedAt = .init(date: Date())
        }
    }

    func deleteTestVerdict(request: PBDeleteTestVerdictRequest, context: ServerContext) async throws -> PBEmpty {
        AuditedCall.changedNothing()
        _ = try change(request.version) { verdict in
            verdict.kind = .unspecified
            verdict.reason = ""
            verdict.decidedAt = .init(date: Date())
        }
        return PBEmpty()
    }

    private func change(_ version: Int64, _ body: (inout PBTestVerdict) -> Void) throws -> PBTestVerdict {
        let said = try verdict.withLock { verdict in
            guard verdict.version == version else { throw Fault.versionStale }
            body(&verdict)
            verdict.version += 1
            return verdict
        }
        words.withLock { $0.append(said) }
        return said
    }

    func listTestVerdicts(request: PBListTestVerdictsRequest, context: ServerContext) async throws -> PBListTestVerdictsResponse {
        .with { $0.data = words.withLock { $0.suffix(Int(request.limit)).reversed() } }
    }

    func replayTestStability(request: PBReplayTestStabilityRequest, context: ServerContext) async throws -> PBStabilityReplay {
        PBStabilityReplay()
    }
}

/// Quarantines as Analytics keeps them, of which a project may have two.
final class FakeQuarantines: PBQuarantines.SimpleServiceProtocol {
    let all = Mutex<[PBQuarantine]>([])
    let listed = Mutex<[PBListQuarantinesRequest]>([])
    /// All that quarantines said, the oldest first.
    let said = Mutex<[PBQuarantineVersion]>([])

    private func standing(_ test: String, _ all: [PBQuarantine]) throws(Fault) -> Int {
        guard let index = all.firstIndex(where: { $0.test == test && $0.state != .lifted }) else { throw .notFound("quarantine", test) }
        return index
    }

    private func say(_ kind: PBQuarantineVersion.Kind, _ quarantine: PBQuarantine) {
        said.withLock {
            $0.append(
                .with {
                    $0.quarantine = quarantine.id
                    $0.version = quarantine.version
                    $0.kind = kind
                    $0.owner = quarantine.owner
                    $0.ticket = quarantine.ticket
                    $0.reason = quarantine.reason
                    $0.expiresAt = quarantine.expiresAt
                    $0.saidBy = "usr_1"
                    $0.saidAt = .init(milliseconds: Date())
                })
        }
    }

    func listQuarantineVersions(
        request: PBListQuarantineVersionsRequest, context: ServerContext
    ) async throws -> PBListQuarantineVersionsResponse {
        .with { $0.data = said.withLock { $0.suffix(Int(request.limit)).reversed() } }
    }

    private func check(_ owner: String, _ expiry: Date?) throws(Fault) {
        guard !owner.isEmpty else { throw .invalidField("/owner", "length", "It has 1 to 200 characters, and not only spaces.") }
        guard expiry.map({ $0 > Date() }) ?? true else {
            throw .invalidField("/expires_at", "out_of_range", "A quarantine ends in the future, at most 90 days ahead.")
        }
    }

    func createQuarantine(request: PBCreateQuarantineRequest, context: ServerContext) async throws -> PBQuarantine {
        AuditedCall.changedNothing()
        try check(request.owner, request.hasExpiresAt ? request.expiresAt.date : nil)
        return try all.withLock { all in
            guard all.count(where: { $0.state == .active }) < 2 else {
                throw Fault(.precondition, "quarantine.full", "A project has at most 2 tests in quarantine.")
            }
            let made = PBQuarantine.with {
                $0.id = "qrn_\(all.count)"
                $0.test = request.test
                $0.name = "pays"
                $0.state = .active
                $0.owner = request.owner
                $0.reason = request.reason
                $0.ticket = request.ticket
                $0.expiresAt = request.expiresAt
                $0.version = 1
                $0.costMinutes = 36.5
            }
            all.append(made)
            say(.created, made)
            return made
        }
    }

    func getQuarantine(request: PBGetQuarantineRequest, context: ServerContext) async throws -> PBQuarantine {
        try all.withLock { $0[try standing(request.test, $0)] }
    }

    func listQuarantines(request: PBListQuarantinesRequest, context: ServerContext) async throws -> PBListQuarantinesResponse {
        listed.withLock { $0.append(request) }
        var all = all.withLock { $0 }
        if request.expiresWithinDays > 0 {
            let now = Date()
            let end = now.addingTimeInterval(Double(request.expiresWithinDays) * 86_400)
            all = all.filter { $0.state == .active && $0.expiresAt.date > now && $0.expiresAt.date <= end }
        }
        let found = all.filter {
            request.test.isEmpty ? (request.state.isEmpty ? $0.state != .lifted : request.state.contains($0.state)) : $0.test == request.test
        }
        return .with {
            $0.data = request.limit > 0 ? Array(found.prefix(Int(request.limit))) : found
            $0.page.hasMore_p = $0.data.count < found.count
        }
    }

    func updateQuarantine(request: PBUpdateQuarantineRequest, context: ServerContext) async throws -> PBQuarantine {
        AuditedCall.changedNothing()
        try check(request.owner, request.hasExpiresAt ? request.expiresAt.date : nil)
        return try all.withLock { all in
            let index = try standing(request.test, all)
            guard all[index].version == request.version else { throw Fault.versionStale }
            all[index].owner = request.owner
            all[index].reason = request.reason
            if request.hasExpiresAt {
                all[index].expiresAt = request.expiresAt
                all[index].state = .active
            }
            all[index].version += 1
            say(.changed, all[index])
            return all[index]
        }
    }

    func liftQuarantine(request: PBLiftQuarantineRequest, context: ServerContext) async throws -> PBEmpty {
        AuditedCall.changedNothing()
        try all.withLock { all in
            let index = try standing(request.test, all)
            guard all[index].version == request.version else { throw Fault.versionStale }
            all[index].state = .lifted
            all[index].version += 1
            say(.lifted, all[index])
        }
        return PBEmpty()
    }
}

/// One incident, `inc_1`, and what was said of it.
final class FakeIncidents: PBEnvironmentIncidents.SimpleServiceProtocol {
    let words = Mutex<[PBEnvironmentVerdict]>([])
    let declared = Mutex<[PBDeclareEnvironmentIncidentRequest]>([])
    let incident = Mutex<PBEnvironmentIncident>(
        .with {
            $0.id = "inc_1"
            $0.project = "web"
            $0.kind = .host
            $0.place = "runner-7"
            $0.state = .standing
            $0.failures = 14
            $0.evidence = .with {
                $0.tests = 14
                $0.groups = 9
                $0.compared = 11
                $0.there = 9
                $0.expected = 2.2
                $0.chance = 0.00002
            }
        })

    func listEnvironmentIncidents(
        request: PBListEnvironmentIncidentsRequest, context: ServerContext
    ) async throws -> PBListEnvironmentIncidentsResponse {
        let incident = incident.withLock { $0 }
        return .with { $0.data = request.state.isEmpty || request.state.contains(incident.state) ? [incident] : [] }
    }

    func getEnvironmentIncident(request: PBGetEnvironmentIncidentRequest, context: ServerContext) async throws -> PBEnvironmentIncident {
        guard request.incident == "inc_1" else { throw Fault.notFound("environment_incident", request.incident) }
        return incident.withLock { $0 }
    }

    func listEnvironmentFailures(
        request: PBListEnvironmentFailuresRequest, context: ServerContext
    ) async throws -> PBListEnvironmentFailuresResponse {
        .with {
            $0.data = [
                .with {
                    $0.result = "res_1"
                    $0.test = "tst_1"
                    $0.name = "pays"
                    $0.host = "runner-7"
                }
            ]
        }
    }

    func declareEnvironmentIncident(
        request: PBDeclareEnvironmentIncidentRequest, context: ServerContext
    ) async throws -> PBEnvironmentIncident {
        AuditedCall.changedNothing()
        guard request.kind != .unspecified else { throw Fault.invalidField("/kind", "unknown", "It is HOST, ZONE, HOUR or RUN.") }
        guard request.place != "nowhere" else {
            throw Fault(.precondition, "environment_incident.nothing_failed", "Of what failed there in that time nothing is kept.")
        }
        declared.withLock { $0.append(request) }
        words.withLock {
            $0.append(
                .with {
                    $0.kind = .declared
                    $0.reason = request.reason
                    $0.decidedBy = "usr_1"
                })
        }
        return incident.withLock { incident in
            incident.clearEvidence()
            incident.kind = request.kind
            incident.place = request.place
            incident.state = .standing
            incident.upheld = true
            incident.declaredBy = "usr_1"
            incident.declaredAt = .init(milliseconds: Date())
            return incident
        }
    }

    func dismissEnvironmentIncident(
        request: PBDismissEnvironmentIncidentRequest, context: ServerContext
    ) async throws -> PBEnvironmentIncident {
        try decide(.dismissed, request.reason)
    }

    func reinstateEnvironmentIncident(
        request: PBReinstateEnvironmentIncidentRequest, context: ServerContext
    ) async throws -> PBEnvironmentIncident {
        try decide(.reinstated, request.reason)
    }

    func listEnvironmentVerdicts(
        request: PBListEnvironmentVerdictsRequest, context: ServerContext
    ) async throws -> PBListEnvironmentVerdictsResponse {
        .with { $0.data = words.withLock { $0.reversed() } }
    }

    func replayEnvironmentIncident(
        request: PBReplayEnvironmentIncidentRequest, context: ServerContext
    ) async throws -> PBEnvironmentReplay {
        PBEnvironmentReplay()
    }

    private func decide(_ kind: PBEnvironmentVerdict.Kind, _ reason: String) throws -> PBEnvironmentIncident {
        AuditedCall.changedNothing()
        guard reason.count <= 1000 else {
            throw Fault.invalidField("/reason", "invalid", "A reason has at most 1000 characters, and no NUL.")
        }
        words.withLock {
            $0.append(
                .with {
                    $0.kind = kind
                    $0.reason = reason
                    $0.decidedBy = "usr_1"
                })
        }
        return incident.withLock { incident in
            incident.state = kind == .dismissed ? .dismissed : .standing
            incident.dismissedBy = kind == .dismissed ? "usr_1" : ""
            incident.dismissalReason = kind == .dismissed ? reason : ""
            incident.upheld = kind == .reinstated
            return incident
        }
    }
}
