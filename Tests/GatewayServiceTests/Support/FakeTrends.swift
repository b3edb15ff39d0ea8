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

/// One change of how long a single test takes, `tch_1`, which is found again, and one of a suite that is gone, `tch_2`, which is not.
struct FakeLevelChanges: PBLevelChanges.SimpleServiceProtocol {
    func listLevelChanges(request: PBListLevelChangesRequest, context: ServerContext) async throws -> PBListLevelChangesResponse {
        guard request.dimension != .test else { return .with { $0.data = [Self.change] } }
        guard request.gone, request.dismissed else { return PBListLevelChangesResponse() }
        return .with {
            $0.data = [Self.gone]
            $0.page = .with { ($0.hasMore_p, $0.nextCursor) = (request.cursor.isEmpty, request.cursor.isEmpty ? "tch_2" : "") }
        }
    }

    func getLevelChange(request: PBGetLevelChangeRequest, context: ServerContext) async throws -> PBLevelChangeReceipt {
        let change = try Self.find(request.change)
        return .with {
            $0.change = change
            if change.dimension == .test {
                $0.change.testName = ""
                $0.executions = [("res_8", 12_000), ("res_9", 19_000)].map { (result: String, took: Int64) in
                    .with { ($0.result, $0.durationUs) = (result, took) }
                }
            } else {
                $0.days = (10..<30).map { day in
                    .with { ($0.day, $0.passed, $0.judged, $0.medianUs) = ("2026-01-\(day)", day < 20 ? 98 : 50, 100, 12_000) }
                }
            }
        }
    }

    func replayLevelChange(request: PBReplayLevelChangeRequest, context: ServerContext) async throws -> PBLevelChangeReplay {
        let change = try Self.find(request.change)
        return .with {
            ($0.receipt, $0.inputHash, $0.agrees, $0.before) = (change, change.inputHash, change.dimension == .test, change.before)
            ($0.day, $0.after) = change.dimension == .test ? (change.day, change.after) : ("2026-01-21", 0.6)
            $0.result = change.result
        }
    }

    private static func find(_ id: String) throws -> PBLevelChange {
        guard let change = [change, gone].first(where: { $0.id == id }) else { throw Fault.notFound("level_change", id) }
        return change
    }

    private static let change = PBLevelChange.with {
        ($0.id, $0.project, $0.dimension, $0.value, $0.testName) = ("tch_1", "prj_1", .test, "tst_1", "adds <up>")
        ($0.figure, $0.day, $0.before, $0.after, $0.branch) = (.duration, "2026-03-11", 12_000, 19_000, "main")
        ($0.result, $0.commitSha, $0.edition, $0.inputHash) = ("res_9", "9f2c41d07be2a6f0d1c3", 1, "0f1e2d3c4b5a6978")
        ($0.executedAt, $0.foundAt, $0.lookedAt) = (at(1_773_230_400), at(1_773_273_600), at(1_773_360_000))
    }

    private static let gone = PBLevelChange.with {
        ($0.id, $0.project, $0.dimension, $0.value) = ("tch_2", "prj_1", .suite, "checkout <1>")
        ($0.figure, $0.day, $0.before, $0.after) = (.passRate, "2026-01-20", 0.98, 0.5)
        ($0.edition, $0.inputHash) = (1, "a1b2c3d4e5f60718")
        ($0.foundAt, $0.lookedAt, $0.goneAt) = (at(1_769_040_000), at(1_769_126_400), at(1_769_212_800))
    }

    private static func at(_ seconds: Double) -> Google_Protobuf_Timestamp { .init(date: Date(timeIntervalSince1970: seconds)) }
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
