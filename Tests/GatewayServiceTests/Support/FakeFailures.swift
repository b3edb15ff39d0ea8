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

/// The one result that failed, `res_1`, as Execution keeps it.
struct FakeResults: PBResults.SimpleServiceProtocol {
    private let untold = Fault(.unavailable, "unavailable", "The fake knows one result alone.")

    func getResult(request: PBGetResultRequest, context: ServerContext) async throws -> PBResult {
        guard request.result == "res_1" else { throw Fault.notFound("result", request.result) }
        return .with {
            $0.id = request.result
            $0.run = "run_good"
            $0.test = "tst_1"
            $0.name = "pays"
            $0.outcome = .failed
            $0.message = "no answer"
        }
    }

    func compareRuns(request: PBCompareRunsRequest, context: ServerContext) async throws -> PBCompareRunsResponse { throw untold }
    func listResults(request: PBListResultsRequest, context: ServerContext) async throws -> PBListResultsResponse { throw untold }
    func listProjectResults(request: PBListProjectResultsRequest, context: ServerContext) async throws -> PBListResultsResponse { throw untold }
    func listTagKeys(request: PBListTagKeysRequest, context: ServerContext) async throws -> PBListTagKeysResponse { throw untold }
    func listTags(request: PBListTagsRequest, context: ServerContext) async throws -> PBListTagsResponse { throw untold }
    func listRunSuites(request: PBListRunSuitesRequest, context: ServerContext) async throws -> PBListRunSuitesResponse { throw untold }
}

/// Its failure as Validation filed it.
struct FakeFailures: PBFailures.SimpleServiceProtocol {
    private let untold = Fault(.unavailable, "unavailable", "The fake knows one failure alone.")
    let verdicts: FakeVerdicts

    func getFailure(request: PBGetFailureRequest, context: ServerContext) async throws -> PBFailure {
        guard request.result == "res_1" else { throw Fault.notFound("failure", request.result) }
        let verdict = verdicts.verdict.withLock { $0 }
        return .with {
            $0.result = request.result
            $0.category = verdict.category == .categoryUnspecified ? .timeout : verdict.category
            $0.severity = .high
            $0.rule = "timeout.runner"
        }
    }

    func listFailures(request: PBListFailuresRequest, context: ServerContext) async throws -> PBListFailuresResponse { throw untold }
    func getValidation(request: PBGetValidationRequest, context: ServerContext) async throws -> PBValidation { throw untold }
    func listRules(request: PBListRulesRequest, context: ServerContext) async throws -> PBListRulesResponse { PBListRulesResponse() }
}

/// What people say of it.
final class FakeVerdicts: PBVerdicts.SimpleServiceProtocol {
    /// All that was said, the oldest first.
    let words = Mutex<[PBVerdict]>([])
    let verdict = Mutex(
        PBVerdict.with {
            $0.result = "res_1"
            $0.version = 1
        })

    func getReceipt(request: PBGetReceiptRequest, context: ServerContext) async throws -> PBReceipt {
        guard request.result == "res_1" else { throw Fault.notFound("failure", request.result) }
        return .with {
            $0.result = request.result
            $0.category = .timeout
            $0.severity = .high
            $0.rule = "timeout.runner"
            $0.evidence = "gave no answer in time"
            $0.builtInEdition = 3
            $0.inputSha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
        }
    }

    func replayFailure(request: PBReplayFailureRequest, context: ServerContext) async throws -> PBReplay { .with { $0.agrees = true } }

    func getVerdict(request: PBGetVerdictRequest, context: ServerContext) async throws -> PBVerdict { verdict.withLock { $0 } }

    func putVerdict(request: PBPutVerdictRequest, context: ServerContext) async throws -> PBVerdict {
        guard request.category != .categoryUnspecified else { throw Fault.invalidField("/category", "unknown", "Name one of the categories.") }
        return try change(request.version) {
            $0.category = request.category
            $0.severity = request.severity
            $0.note = request.note
            $0.decidedBy = Caller.current.actor
            $0.decidedAt = .init(date: Date())
        }
    }

    func deleteVerdict(request: PBDeleteVerdictRequest, context: ServerContext) async throws -> PBEmpty {
        _ = try change(request.version) {
            $0.category = .categoryUnspecified
            $0.severity = .severityUnspecified
            $0.note = ""
            $0.decidedBy = Caller.current.actor
        }
        return PBEmpty()
    }

    func listVerdicts(request: PBListVerdictsRequest, context: ServerContext) async throws -> PBListVerdictsResponse {
        .with { $0.data = words.withLock { $0.suffix(Int(request.limit)).reversed() } }
    }

    private func change(_ version: Int64, _ body: (inout PBVerdict) -> Void) throws -> PBVerdict {
        AuditedCall.changedNothing()
        let said = try verdict.withLock { verdict in
            guard version == verdict.version else { throw Fault.versionStale }
            body(&verdict)
            verdict.version += 1
            return verdict
        }
        words.withLock { $0.append(said) }
        return said
    }
}
