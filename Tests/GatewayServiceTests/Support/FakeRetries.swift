import Audit
import ExecutionAPI
import Foundation
import GRPCCore
import Primitives
import SwiftProtobuf
import Synchronization

@testable import GatewayService

/// The policy of retries as Execution keeps it.
final class FakeRetries: PBRetries.SimpleServiceProtocol {
    let policy = Mutex(
        PBRetryPolicy.with {
            $0.maxAttempts = 3
            $0.maxFailingTests = 30
            $0.minutesPerDay = 60
            $0.version = 1
            $0.spentMinutes = 4.5
        })

    /// Two tests of a run that failed fail still; `run_good` has none.
    func getRetryPlan(request: PBGetRetryPlanRequest, context: ServerContext) async throws -> PBRetryPlan {
        .with {
            $0.run = request.run
            $0.remainingMinutes = 55.5
            guard request.run != "run_good", request.upload.isEmpty else { return }
            $0.failingTests = 3
            $0.retryTests = 1
            $0.passedAgainTests = 2
            $0.data = [
                .with {
                    $0.test = "tst_1"
                    $0.name = "pays"
                    $0.retry = true
                    $0.reason = .transient
                    $0.detail = "Trouble of this category goes away by itself."
                    $0.category = "OUT_OF_MEMORY"
                    $0.attempts = 1
                    $0.durationUs = 1_500_000
                },
                .with {
                    $0.test = "tst_2"
                    $0.name = "refunds"
                    $0.retry = false
                    $0.reason = .sameFailure
                    $0.detail = "It failed twice in the same way."
                    $0.attempts = 2
                },
            ]
        }
    }

    func getRetryPolicy(request: PBGetRetryPolicyRequest, context: ServerContext) async throws -> PBRetryPolicy { policy.withLock { $0 } }

    func putRetryPolicy(request: PBPutRetryPolicyRequest, context: ServerContext) async throws -> PBRetryPolicy {
        AuditedCall.changedNothing()
        guard (1...10).contains(request.maxAttempts) else {
            throw Fault.invalidField("/max_attempts", "out_of_range", "max_attempts is from 1 to 10.")
        }
        return try policy.withLock { policy in
            guard request.version == policy.version else { throw Fault.versionStale }
            policy.maxAttempts = request.maxAttempts
            policy.maxFailingTests = request.maxFailingTests
            policy.minutesPerDay = request.minutesPerDay
            policy.version += 1
            policy.updatedAt = .init(date: Date())
            return policy
        }
    }
}

/// A run of which two tests passed again and one is in quarantine.
struct FakeQuarantineChecks: PBQuarantineChecks.SimpleServiceProtocol {
    func getQuarantinedFailures(request: PBGetQuarantinedFailuresRequest, context: ServerContext) async throws -> PBQuarantinedFailures {
        .with {
            $0.run = request.run
            $0.failingTests = 1
            $0.quarantinedTests = 1
            $0.passedAgainTests = 2
            $0.excused = true
        }
    }
}
