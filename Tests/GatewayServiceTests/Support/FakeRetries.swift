import Audit
import CommonAPI
import ExecutionAPI
import Foundation
import GRPCCore
import Primitives
import ServiceKit
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

    let words = FakeRetryWords()

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
                    if let word = words.word.withLock({ $0 }) { $0.word = word }
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

/// What people say of the one test that is tried again.
final class FakeRetryWords: PBRetryWords.SimpleServiceProtocol {
    /// `nil` while nobody has said anything.
    let word = Mutex<PBRetryWord?>(nil)
    let isAway = Mutex(false)
    /// All that was said, the oldest first.
    private let said = Mutex<[PBRetryWord]>([])

    func listRetryWords(request: PBListRetryWordsRequest, context: ServerContext) async throws -> PBListRetryWordsResponse {
        try checkPresence()
        return .with { $0.data = said.withLock { $0.filter { request.test == $0.test }.suffix(Int(request.limit)).reversed() } }
    }

    func getRetryWord(request: PBGetRetryWordRequest, context: ServerContext) async throws -> PBRetryWord {
        try checkPresence()
        return word.withLock { $0 ?? .with { $0.version = 1 } }
    }

    private func checkPresence() throws {
        if isAway.withLock({ $0 }) { throw Fault.unavailable("execution.away", "It is away.") }
    }

    func putRetryWord(request: PBPutRetryWordRequest, context: ServerContext) async throws -> PBRetryWord {
        AuditedCall.changedNothing()
        guard request.kind != .unspecified else { throw Fault.invalidField("/kind", "unknown", "kind must be ALWAYS or NEVER.") }
        guard !request.note.isEmpty else { throw Fault.invalidField("/note", "invalid", "A note has 1 to 1000 characters.") }
        return try say(request.kind, request.note, on: request.test, version: request.version)
    }

    func deleteRetryWord(request: PBDeleteRetryWordRequest, context: ServerContext) async throws -> PBEmpty {
        AuditedCall.changedNothing()
        _ = try say(.unspecified, "", on: request.test, version: request.version)
        return PBEmpty()
    }

    private func say(_ kind: PBRetryWord.Kind, _ note: String, on test: String, version: Int64) throws -> PBRetryWord {
        let actor = Caller.current.actor
        let new = try word.withLock { word in
            let newest = word?.version ?? 1
            guard version == newest else { throw Fault.versionStale }
            let next = PBRetryWord.with {
                $0.test = test
                $0.kind = kind
                $0.note = note
                $0.saidBy = actor
                $0.saidAt = .init(milliseconds: Date())
                $0.version = newest + 1
            }
            word = next
            return next
        }
        said.withLock { $0.append(new) }
        return new
    }
}

/// One plan that a build of `run_bad` was given; `rpl_2` comes to something else now.
struct FakeRetryPlans: PBRetryPlans.SimpleServiceProtocol {
    private func kept(_ id: String, run: String) -> PBKeptRetryPlan {
        .with {
            $0.id = id
            $0.run = run
            $0.uploads = ["upl_1"]
            $0.edition = 2
            $0.inputHash = "9f86d081884c7d659a2feaa0c55ad015"
            $0.decidedAt = .init(milliseconds: Date())
            $0.plan = .with {
                $0.failingTests = 3
                $0.retryTests = 1
            }
        }
    }

    func listRetryPlans(request: PBListRetryPlansRequest, context: ServerContext) async throws -> PBListRetryPlansResponse {
        .with { $0.data = request.run == "run_bad" ? [kept("rpl_1", run: request.run)] : [] }
    }

    func getKeptRetryPlan(request: PBGetKeptRetryPlanRequest, context: ServerContext) async throws -> PBKeptRetryPlan {
        var plan = kept(request.retryPlan, run: "run_bad")
        plan.plan.data = [
            .with {
                $0.test = "tst_1"
                $0.name = "pays"
                $0.retry = true
                $0.detail = "It is known to be flaky."
            }
        ]
        return plan
    }

    func replayRetryPlan(request: PBReplayRetryPlanRequest, context: ServerContext) async throws -> PBRetryReplay {
        .with {
            $0.agrees = request.retryPlan == "rpl_1"
            $0.plan.retryTests = 2
        }
    }
}

/// A run of which two tests passed again and one is in quarantine.
final class FakeQuarantineChecks: PBQuarantineChecks.SimpleServiceProtocol {
    let asked = Mutex<PBGetQuarantinedFailuresRequest?>(nil)

    func getQuarantinedFailures(request: PBGetQuarantinedFailuresRequest, context: ServerContext) async throws -> PBQuarantinedFailures {
        asked.withLock { $0 = request }
        return .with {
            $0.run = request.run
            $0.failingTests = 1
            $0.quarantinedTests = 1
            $0.passedAgainTests = 2
            $0.excused = true
        }
    }
}

/// One answer that a build of `run_bad` was given; `exc_2` comes to something else now.
struct FakeExcuses: PBExcuses.SimpleServiceProtocol {
    private func kept(_ id: String, run: String) -> PBExcuse {
        .with {
            $0.id = id
            $0.run = run
            $0.decidedAt = .init(milliseconds: Date())
            $0.edition = 1
            $0.inputHash = "c0ffee81884c7d659a2feaa0c55ad015"
            $0.failingTests = 1
            $0.quarantinedTests = 1
            $0.passedAgainTests = 2
            $0.excused = true
        }
    }

    func listExcuses(request: PBListExcusesRequest, context: ServerContext) async throws -> PBListExcusesResponse {
        .with { $0.data = request.run == "run_bad" ? [kept("exc_1", run: request.run)] : [] }
    }

    func getExcuse(request: PBGetExcuseRequest, context: ServerContext) async throws -> PBExcuse {
        var excuse = kept(request.excuse, run: "run_bad")
        excuse.data = [
            .with {
                $0.test = "tst_1"
                $0.name = "pays"
                $0.quarantined = true
                $0.quarantine = .with {
                    $0.id = "qrn_1"
                    $0.version = 2
                    $0.owner = "@acme/shop"
                    $0.reason = "Late answers"
                    $0.expiresAt = .init(date: Date(timeIntervalSince1970: 4_102_444_800))
                }
            }
        ]
        return excuse
    }

    func replayExcuse(request: PBReplayExcuseRequest, context: ServerContext) async throws -> PBExcuseReplay {
        .with {
            $0.agrees = request.excuse == "exc_1"
            $0.excused = request.excuse == "exc_1"
        }
    }
}
