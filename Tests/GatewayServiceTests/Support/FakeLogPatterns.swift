import Foundation
import GRPCCore
import Primitives
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
    }
}
