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

/// The one pattern that the logs of `web` have, `lpt_1`, in the run `run_good`.
final class FakeLogPatterns: PBLogPatterns.SimpleServiceProtocol {
    let isAway = Mutex(false)
    private static let template = "connection to <*> refused"

    func listRunLogPatterns(request: PBListRunLogPatternsRequest, context: ServerContext) async throws -> PBListRunLogPatternsResponse {
        .with {
            $0.data = [
                .with {
                    $0.id = "lpt_1"
                    $0.template = Self.template
                    $0.lines = 12
                    $0.known = true
                }
            ]
            $0.logs = .with { ($0.logs, $0.lines) = (1, 12) }
        }
    }

    func listLogPatterns(request: PBListLogPatternsRequest, context: ServerContext) async throws -> PBListLogPatternsResponse {
        .with { $0.data = [Self.pattern] }
    }

    func getLogPattern(request: PBGetLogPatternRequest, context: ServerContext) async throws -> PBLogPatternHistory {
        guard !isAway.withLock({ $0 }) else { throw Fault(.unavailable, "unavailable", "It is away.") }
        guard request.pattern.hasPrefix("lpt_") else {
            throw Fault(.invalid, "request.invalid_id", "This is no id of a log pattern.")
        }
        guard request.pattern == "lpt_1", request.project == "web" else { throw Fault.notFound("log_pattern", request.pattern) }
        return .with {
            $0.pattern = Self.pattern
            $0.recentRuns = [
                .with {
                    $0.run = "run_good"
                    $0.branch = "main"
                    $0.lines = 12
                }
            ]
        }
    }

    func analyseLog(request: PBAnalyseLogRequest, context: ServerContext) async throws -> PBAnalyseLogResponse { PBAnalyseLogResponse() }

    private static let pattern = PBLogPattern.with {
        $0.id = "lpt_1"
        $0.template = template
        $0.level = .error
        ($0.lines, $0.runs) = (12, 1)
        $0.lastRun = "run_good"
        $0.category = .network
        $0.receipt = receipt
    }

    static let receipt = PBLogReceipt.with {
        $0.category = .network
        $0.severity = .high
        $0.rule = "network.connection-refused"
        $0.evidence = "refused"
        $0.builtInEdition = 4
        $0.inputSha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    }
}

/// What people say of it.
final class FakeLogVerdicts: PBLogPatternVerdicts.SimpleServiceProtocol {
    let verdict = Mutex(
        PBLogPatternVerdict.with {
            $0.pattern = "lpt_1"
            $0.version = 1
        })

    func replayLogPattern(request: PBReplayLogPatternRequest, context: ServerContext) async throws -> PBLogReplay {
        guard request.pattern == "lpt_1" else { throw Fault.notFound("log_pattern", request.pattern) }
        return .with {
            $0.receipt = FakeLogPatterns.receipt
            $0.agrees = true
        }
    }

    func getLogPatternVerdict(request: PBGetLogPatternVerdictRequest, context: ServerContext) async throws -> PBLogPatternVerdict {
        verdict.withLock { $0 }
    }

    func putLogPatternVerdict(request: PBPutLogPatternVerdictRequest, context: ServerContext) async throws -> PBLogPatternVerdict {
        guard request.category != .categoryUnspecified else { throw Fault.invalidField("/category", "unknown", "Name one of the categories.") }
        guard !request.reason.isEmpty else { throw Fault.invalidField("/reason", "invalid", "A reason has 1 to 1000 characters, and no NUL.") }
        return try change(request.version) {
            $0.category = request.category
            $0.reason = request.reason
            $0.decidedBy = Caller.current.actor
            $0.decidedAt = .init(date: Date())
        }
    }

    func deleteLogPatternVerdict(request: PBDeleteLogPatternVerdictRequest, context: ServerContext) async throws -> PBEmpty {
        _ = try change(request.version) {
            $0.category = .categoryUnspecified
            $0.reason = ""
        }
        return PBEmpty()
    }

    func listLogPatternVerdicts(
        request: PBListLogPatternVerdictsRequest, context: ServerContext
    ) async throws -> PBListLogPatternVerdictsResponse {
        .with { $0.data = [verdict.withLock { $0 }] }
    }

    private func change(_ version: Int64, _ body: (inout PBLogPatternVerdict) -> Void) throws -> PBLogPatternVerdict {
        AuditedCall.changedNothing()
        return try verdict.withLock { verdict in
            guard version == verdict.version else { throw Fault.versionStale }
            body(&verdict)
            verdict.version += 1
            return verdict
        }
    }
}
