import Audit
import CommonAPI
import ExecutionAPI
import Foundation
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf
import Synchronization
import ValidationAPI

@testable import GatewayService

/// Baselines as Validation keeps them.
final class FakeBaselines: PBBaselines.SimpleServiceProtocol {
    struct State: Sendable {
        var baselines: [PBBaseline] = []
        var settings = PBBaselineSettings.with {
            $0.twoPersons = false
            $0.version = 1
        }
        /// What the failure of the run that broke one test is believed to be in a list; `nil` while that is not known.
        var assessed: PBAssessmentCounts?
    }

    let state = Mutex(State())

    func createBaseline(request: PBCreateBaselineRequest, context: ServerContext) async throws -> PBBaseline {
        AuditedCall.changedNothing()
        guard request.run != "run_2" else {
            throw Fault(.precondition, "baselines.run_unsuitable", "Run run_2 is no baseline: it has to be finished, whole and of a trusted build.")
        }
        let made = PBBaseline.with {
            $0.id = "bsl_1"
            $0.project = request.project.isEmpty ? "web" : request.project
            $0.branch = "main"
            $0.number = 1
            $0.run = request.run
            $0.state = .proposed
            $0.note = request.note
            $0.proposedBy = Caller.current.actor
        }
        state.withLock { $0.baselines = [made] }
        return made
    }

    func getBaseline(request: PBGetBaselineRequest, context: ServerContext) async throws -> PBBaseline {
        guard let found = state.withLock({ $0.baselines.first { $0.id == request.baseline } }) else {
            throw Fault.notFound("baseline", request.baseline)
        }
        return found
    }

    func listBaselines(request: PBListBaselinesRequest, context: ServerContext) async throws -> PBListBaselinesResponse {
        .with { $0.data = state.withLock { $0.baselines.filter { request.state.isEmpty || request.state.contains($0.state) } } }
    }

    func approveBaseline(request: PBApproveBaselineRequest, context: ServerContext) async throws -> PBBaseline {
        AuditedCall.changedNothing()
        return try decide(request.baseline, .approved, request.note)
    }

    func rejectBaseline(request: PBRejectBaselineRequest, context: ServerContext) async throws -> PBBaseline {
        AuditedCall.changedNothing()
        return try decide(request.baseline, .rejected, request.note)
    }

    func withdrawBaseline(request: PBWithdrawBaselineRequest, context: ServerContext) async throws -> PBBaseline {
        AuditedCall.changedNothing()
        return try state.withLock { state in
            guard let index = state.baselines.firstIndex(where: { $0.id == request.baseline }) else {
                throw Fault.notFound("baseline", request.baseline)
            }
            guard state.baselines[index].state == .approved else {
                throw Fault(.precondition, "baselines.not_approved", "Only an approval can be withdrawn.")
            }
            state.baselines[index].state = .withdrawn
            state.baselines[index].inForce = false
            state.baselines[index].withdrawnBy = Caller.current.actor
            state.baselines[index].withdrawnAt = .init(milliseconds: Date())
            state.baselines[index].withdrawalNote = request.note
            return state.baselines[index]
        }
    }

    private func decide(_ id: String, _ decision: PBBaseline.State, _ note: String) throws -> PBBaseline {
        let actor = Caller.current.actor
        return try state.withLock { state in
            guard let index = state.baselines.firstIndex(where: { $0.id == id }) else { throw Fault.notFound("baseline", id) }
            guard state.baselines[index].state == .proposed else {
                throw Fault(.precondition, "baselines.decided", "Baseline \(id) has been approved already.")
            }
            guard decision == .rejected || !state.settings.twoPersons || state.baselines[index].proposedBy != actor else {
                throw Fault(.forbidden, "baselines.own_proposal", "Baseline \(id) is your own proposal; somebody else has to approve it.")
            }
            state.baselines[index].state = decision
            state.baselines[index].decisionNote = note
            state.baselines[index].inForce = decision == .approved
            return state.baselines[index]
        }
    }

    func getBaselineSettings(request: PBGetBaselineSettingsRequest, context: ServerContext) async throws -> PBBaselineSettings {
        state.withLock { $0.settings }
    }

    func putBaselineSettings(request: PBPutBaselineSettingsRequest, context: ServerContext) async throws -> PBBaselineSettings {
        AuditedCall.changedNothing()
        return try state.withLock { state in
            guard request.version == state.settings.version else { throw Fault.versionStale }
            state.settings.twoPersons = request.twoPersons
            state.settings.version += 1
            return state.settings
        }
    }
}

/// A run that broke one test, once a baseline is approved.
struct FakeRegressions: PBRegressions.SimpleServiceProtocol {
    let baselines: FakeBaselines
    let verdicts: FakeRegressionVerdicts

    /// Of the receipt of what a run was told.
    private static let told = "9f86d081884c7d65"

    private var held: PBHeldAgainst? {
        baselines.state.withLock { $0.baselines.first { $0.inForce } }.map { baseline in
            .with {
                $0.baseline = baseline.id
                $0.number = baseline.number
                $0.branch = baseline.branch
                $0.run = baseline.run
            }
        }
    }

    func listRegressions(request: PBListRegressionsRequest, context: ServerContext) async throws -> PBListRegressionsResponse {
        guard let held else { throw Fault(.notFound, "regressions.no_baseline", "No baseline is in force for branch main.") }
        return .with {
            $0.heldAgainst = held
            $0.heldAgainst.baseline = request.baseline.isEmpty ? held.baseline : request.baseline
            // A run is told what is in force, and nothing of others: that is an answer.
            $0.receipt = .with {
                $0.edition = 1
                $0.inputHash = request.baseline.isEmpty ? Self.told : "60303ae22b998861"
                $0.asked = !request.baseline.isEmpty
            }
            $0.summary = .with {
                $0.regressed = 1
                $0.fixed = 2
                $0.assessed.flake = 1
            }
            // What is shown without flakes has none, unless a person says that it is something else.
            let verdict = verdicts.verdict.withLock { $0 }
            guard request.assessment.isEmpty || request.assessment.contains(Self.kind(verdict)) else { return }
            $0.data = [
                .with {
                    $0.kind = .regressed
                    $0.test = "tst_1"
                    $0.name = "pays"
                    $0.firstBad = .with {
                        $0.run = "run_3"
                        $0.commitSha = "c2c2c2c2c2c2c2"
                    }
                    $0.suspects = ["c1c1c1c1c1c1c1", "c2c2c2c2c2c2c2"]
                    $0.culpritSha = verdict.commitSha
                    $0.told = .with {
                        $0.firstBad.run = "run_2"
                        $0.suspects = ["c9c9c9c9c9c9c9"]
                    }
                    $0.assessment = .with {
                        $0.kind = Self.kind(verdict)
                        $0.judgedKind = .flake
                        $0.confidence = 0.97
                        $0.reasons = ["Without this failure the test is flaky already."]
                        $0.verdict = verdict
                    }
                }
            ]
        }
    }

    private static func kind(_ verdict: PBRegressionVerdict) -> PBRegressionAssessment.Kind {
        switch verdict.kind {
        case .unspecified, .UNRECOGNIZED, .flake: .flake
        case .regression: .regression
        case .noRegression: .noRegression
        case .environment: .environment
        }
    }

    func listRegressionStates(request: PBListRegressionStatesRequest, context: ServerContext) async throws -> PBListRegressionStatesResponse {
        let held = held
        let assessed = baselines.state.withLock { $0.assessed }
        return .with {
            $0.data =
                held.map { held in
                    [
                        .with {
                            $0.heldAgainst = held
                            $0.run = "run_3"
                            $0.summary = .with {
                                $0.regressed = 1
                                if let assessed { $0.assessed = assessed }
                            }
                        }
                    ]
                } ?? []
        }
    }

    func compareBaselines(request: PBCompareBaselinesRequest, context: ServerContext) async throws -> PBCompareRunsResponse {
        .with {
            $0.summary = .with { $0.fixed = 1 }
            $0.data = [
                .with {
                    $0.kind = .fixed
                    $0.test = "tst_1"
                    $0.name = "\(request.baseline) against \(request.base)"
                }
            ]
        }
    }

    func replayRegressions(request: PBReplayRegressionsRequest, context: ServerContext) async throws -> PBRegressionReplay {
        // There are further answers by now, so what is not named is another one.
        .with { $0.agrees = request.inputHash == Self.told }
    }
}

/// A person's word about the one test that broke.
final class FakeRegressionVerdicts: PBRegressionVerdicts.SimpleServiceProtocol {
    /// All that was said, the oldest first, and what was asked for.
    let words = Mutex<[PBRegressionVerdict]>([])
    let listed = Mutex<[PBListRegressionVerdictsRequest]>([])
    let verdict = Mutex(
        PBRegressionVerdict.with {
            $0.test = "tst_1"
            $0.baseline = "bsl_1"
            $0.version = 1
        })

    func getRegressionVerdict(request: PBGetRegressionVerdictRequest, context: ServerContext) async throws -> PBRegressionVerdict {
        verdict.withLock { $0 }
    }

    func putRegressionVerdict(request: PBPutRegressionVerdictRequest, context: ServerContext) async throws -> PBRegressionVerdict {
        AuditedCall.changedNothing()
        guard request.kind != .unspecified else { throw Fault.invalidField("/kind", "unknown", "kind must be one of them.") }
        let said = try verdict.withLock { verdict in
            guard request.version == verdict.version else { throw Fault.versionStale }
            verdict.kind = request.kind
            verdict.reason = request.reason
            verdict.commitSha = request.commitSha
            verdict.decidedBy = Caller.current.actor
            verdict.decidedAt = .init(milliseconds: Date())
            verdict.version += 1
            return verdict
        }
        words.withLock { $0.append(said) }
        return said
    }

    func deleteRegressionVerdict(request: PBDeleteRegressionVerdictRequest, context: ServerContext) async throws -> PBEmpty {
        AuditedCall.changedNothing()
        let said = verdict.withLock { verdict in
            verdict.kind = .unspecified
            verdict.reason = ""
            verdict.commitSha = ""
            verdict.version += 1
            return verdict
        }
        words.withLock { $0.append(said) }
        return PBEmpty()
    }

    func listRegressionVerdicts(
        request: PBListRegressionVerdictsRequest, context: ServerContext
    ) async throws -> PBListRegressionVerdictsResponse {
        listed.withLock { $0.append(request) }
        return .with { $0.data = words.withLock { $0.suffix(Int(request.limit)).reversed() } }
    }
}
