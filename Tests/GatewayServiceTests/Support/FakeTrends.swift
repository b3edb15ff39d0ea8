import AnalyticsAPI
import Audit
import CommonAPI
import Foundation
import GRPCCore
import Primitives
import SwiftProtobuf
import Synchronization

@testable import GatewayService

/// Stands for what Analytics says of trends, and remembers what it was asked.
final class FakeTrends: PBTrends.SimpleServiceProtocol {
    struct Seen: Sendable {
        var trends: [PBGetTrendRequest] = []
        var changes: [PBGetTrendChangesRequest] = []
    }

    let seen = Mutex(Seen())
    let isAway = Mutex(false)
    private let revision: FakeRevision
    private let verdicts: FakeLevelVerdicts

    init(revision: FakeRevision, verdicts: FakeLevelVerdicts) {
        self.revision = revision
        self.verdicts = verdicts
    }

    func getTrend(request: PBGetTrendRequest, context: ServerContext) async throws -> PBTrend {
        if isAway.withLock({ $0 }) { throw Fault.unavailable("analytics.away", "It is away.") }
        seen.withLock { $0.trends.append(request) }
        return revision.answer(known: request.revision, \.revision, empty: PBTrend()) { .with { $0.data = Self.points } }
    }

    func listTrendValues(request: PBListTrendValuesRequest, context: ServerContext) async throws -> PBListTrendValuesResponse {
        revision.answer(known: request.revision, \.revision, empty: PBListTrendValuesResponse()) {
            .with { $0.data = [.with { $0.value = "checkout & pay" }] }
        }
    }

    func getTrendChanges(request: PBGetTrendChangesRequest, context: ServerContext) async throws -> PBTrendChanges {
        seen.withLock { $0.changes.append(request) }
        return revision.answer(known: request.revision, \.revision, empty: PBTrendChanges()) { changes }
    }

    private var changes: PBTrendChanges {
        let verdict = verdicts.verdict.withLock { $0 }
        return .with {
            ($0.edition, $0.inputHash) = (1, "a1b2c3d4e5f60718")
            $0.data = [
                .with {
                    // In the middle of a period.
                    ($0.figure, $0.day, $0.before, $0.after) = (.passRate, "2026-03-04", 0.98, 0.5)
                    ($0.levelChange, $0.verdict) = (verdict.change, verdict)
                    $0.commits = ["aaaaaaaaaaaa", "bb"].map { sha in .with { ($0.commitSha, $0.branch) = (sha, "main") } }
                    $0.causes = [.with { ($0.dimension, $0.value, $0.share, $0.resultsShare) = (.tag, "os:mac", 0.84, 0.25) }]
                }
            ]
        }
    }

    /// Two weeks, the last of which is under way.
    static let points: [PBTrendPoint] = ["2026-03-02", "2026-03-09"].map { day in
        .with {
            ($0.day, $0.passRate, $0.complete) = (day, 0.5, day == "2026-03-02")
            $0.counts = .with { ($0.passed, $0.failed, $0.total) = (2, 2, 4) }
            $0.durations = .with { ($0.p50Us, $0.p95Us, $0.count) = (1_000, 12_340, 4) }
        }
    }
}

/// What people say of the one change of level that is kept.
final class FakeLevelVerdicts: PBLevelChangeVerdicts.SimpleServiceProtocol {
    /// All that was said, the oldest first.
    let words = Mutex<[PBLevelChangeVerdict]>([])
    let verdict = Mutex<PBLevelChangeVerdict>(
        .with {
            $0.change = "tch_1"
            $0.version = 1
        })

    func getLevelChangeVerdict(request: PBGetLevelChangeVerdictRequest, context: ServerContext) async throws -> PBLevelChangeVerdict {
        verdict.withLock { $0 }
    }

    func putLevelChangeVerdict(request: PBPutLevelChangeVerdictRequest, context: ServerContext) async throws -> PBLevelChangeVerdict {
        AuditedCall.changedNothing()
        guard request.kind != .unspecified else { throw Fault.invalidField("/kind", "unknown", "kind must be DISMISSED or CONFIRMED.") }
        return try change(request.change, request.version) { verdict in
            verdict.kind = request.kind
            verdict.note = request.note
        }
    }

    func deleteLevelChangeVerdict(request: PBDeleteLevelChangeVerdictRequest, context: ServerContext) async throws -> PBEmpty {
        AuditedCall.changedNothing()
        _ = try change(request.change, request.version) { verdict in
            verdict.kind = .unspecified
            verdict.note = ""
        }
        return PBEmpty()
    }

    private func change(_ id: String, _ version: Int64, _ body: (inout PBLevelChangeVerdict) -> Void) throws -> PBLevelChangeVerdict {
        let said = try verdict.withLock { verdict in
            guard verdict.change == id else { throw Fault.notFound("level_change", id) }
            guard verdict.version == version else { throw Fault.versionStale }
            body(&verdict)
            verdict.decidedBy = "usr_1"
            verdict.decidedAt = .init(date: Date())
            verdict.version += 1
            return verdict
        }
        words.withLock { $0.append(said) }
        return said
    }

    func listLevelChangeVerdicts(
        request: PBListLevelChangeVerdictsRequest, context: ServerContext
    ) async throws -> PBListLevelChangeVerdictsResponse {
        .with { $0.data = words.withLock { $0.suffix(Int(request.limit)).reversed() } }
    }
}

struct FakeTestTrends: PBTestTrends.SimpleServiceProtocol {
    let revision: FakeRevision

    func getTestTrend(request: PBGetTestTrendRequest, context: ServerContext) async throws -> PBTestTrend {
        revision.answer(known: request.revision, \.revision, empty: PBTestTrend()) {
            .with {
                $0.test = request.test
                $0.data = request.period == .week ? FakeTrends.points : []
                ($0.executions, $0.shortened) = (5_000, true)
            }
        }
    }
}

/// One change of how long a single test takes, and none of anything else.
struct FakeLevelChanges: PBLevelChanges.SimpleServiceProtocol {
    func listLevelChanges(request: PBListLevelChangesRequest, context: ServerContext) async throws -> PBListLevelChangesResponse {
        .with { $0.data = request.dimension == .test ? [Self.change] : [] }
    }

    func getLevelChange(request: PBGetLevelChangeRequest, context: ServerContext) async throws -> PBLevelChangeReceipt {
        .with { $0.change = Self.change }
    }

    func replayLevelChange(request: PBReplayLevelChangeRequest, context: ServerContext) async throws -> PBLevelChangeReplay {
        .with { $0.receipt = Self.change }
    }

    private static let change = PBLevelChange.with {
        ($0.id, $0.dimension, $0.value, $0.testName) = ("tch_1", .test, "tst_1", "adds <up>")
        ($0.figure, $0.day, $0.before, $0.after, $0.branch) = (.duration, "2026-03-11", 12_000, 19_000, "main")
    }
}

struct FakeTestDurations: PBTestDurations.SimpleServiceProtocol {
    let revision: FakeRevision
    let verdicts: FakeLevelVerdicts

    func getTestDurations(request: PBGetTestDurationsRequest, context: ServerContext) async throws -> PBTestDurationSummary {
        let verdict = verdicts.verdict.withLock { $0 }
        return revision.answer(known: request.revision, \.revision, empty: PBTestDurationSummary()) {
            .with {
                $0.test = request.test
                $0.durations = .with { ($0.p50Us, $0.p90Us, $0.p95Us, $0.p99Us, $0.maxUs, $0.count) = (12_000, 13_000, 14_000, 15_000, 16_000, 90) }
                ($0.edition, $0.inputHash) = (1, "0f1e2d3c4b5a6978")
                $0.data = [
                    .with {
                        ($0.result, $0.commitSha, $0.beforeUs, $0.afterUs) = ("res_9", "9f2c41d07be2a6f0d1c3", 12_000, 19_000)
                        $0.executedAt = .init(date: Date(timeIntervalSince1970: 1_773_230_400))
                        ($0.levelChange, $0.verdict) = (verdict.change, verdict)
                    }
                ]
            }
        }
    }
}
