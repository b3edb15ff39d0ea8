import AnalyticsAPI
import CommonAPI
import Foundation
import SwiftProtobuf

@testable import GatewayService

/// What Analytics would say of trends by parts.
extension PageFixtures {
    var timedTrend: PBTrend {
        var trend = trend(days: 90)
        for index in trend.data.indices {
            trend.data[index].durations = .with {
                $0.p50Us = 12_000
                $0.p90Us = 80_000
                $0.p95Us = 120_000
                $0.p99Us = 950_000
                $0.maxUs = 2_000_000 + Int64(index)
                $0.count = 480
            }
            trend.data[index].complete = index < trend.data.count - 1
        }
        trend.data[trend.data.count - 1].previous = sums(day: "2026-03-08")
        trend.data[trend.data.count - 1].earlier = sums(day: "2026-03-02")
        return trend
    }

    private func sums(day: String) -> PBTrendSums {
        .with {
            $0.day = day
            $0.counts = .with {
                $0.total = 1_200
                $0.passed = 1_188
                $0.failed = 12
            }
            $0.passRate = 0.99
            $0.testDurationMs = 3_600_000
            $0.runs = 14
            $0.runsPassed = 12
        }
    }

    var testTrend: PBTestTrend {
        .with {
            $0.test = "tst_1"
            $0.data = timedTrend.data
            $0.executions = 5_000
            $0.shortened = true
        }
    }

    var testDurations: PBTestDurationSummary {
        .with {
            $0.test = "tst_1"
            $0.durations = timedTrend.data[0].durations
            ($0.edition, $0.inputHash) = (1, "0f1e2d3c4b5a6978")
            $0.data = [(12_000, 19_000), (19_000, 9_000)].map { (before: Int64, after: Int64) in
                .with {
                    $0.result = "res_33"
                    $0.executedAt = time(600)
                    $0.commitSha = user("9f2c41d07be2a6f0d1c3")
                    ($0.beforeUs, $0.afterUs) = (before, after)
                    ($0.levelChange, $0.verdict) = before == 12_000 ? ("tch_4", levelVerdict) : ("tch_5", .with { $0.version = 1 })
                }
            }
        }
    }

    var trendValues: PBListTrendValuesResponse {
        .with {
            $0.data = (0..<4).map { index in
                .with {
                    $0.value = user("checkout")
                    $0.counts = counts(400 - Int64(index), Int64(index))
                    if index > 0 { $0.passRate = 0.97 }
                }
            }
        }
    }

    var testChanges: PBListLevelChangesResponse {
        .with {
            $0.data = [(12_000.0, 19_000.0, ""), (19_000, 9_000, "main")].map { (before: Double, after: Double, branch: String) in
                .with {
                    ($0.id, $0.dimension, $0.value, $0.testName) = ("tch_4", .test, "tst_1", user("adds up"))
                    ($0.figure, $0.day, $0.before, $0.after) = (.duration, "2026-03-11", before, after)
                    if !branch.isEmpty { $0.branch = user(branch) }
                }
            }
        }
    }

    var trendChanges: PBTrendChanges {
        .with {
            ($0.edition, $0.inputHash) = (1, "a1b2c3d4e5f60718")
            $0.data = [PBTrendChange.Figure.passRate, .duration].map { figure in
                .with {
                    $0.figure = figure
                    $0.day = "2026-02-14"
                    $0.before = figure == .passRate ? 0.98 : 12_000
                    $0.after = figure == .passRate ? 0.9 : 9_000
                    $0.levelChange = figure == .passRate ? "tch_1" : "tch_2"
                    $0.verdict = .with { $0.version = 1 }
                    if figure == .passRate { $0.verdict = levelVerdict }
                    $0.commits = [
                        .with {
                            $0.commitSha = user("9f2c41d07be2a6f0d1c3")
                            $0.branch = user("main")
                        }
                    ]
                    $0.causes = [
                        .with {
                            $0.dimension = .suite
                            $0.value = user("checkout")
                            $0.share = 0.84
                            $0.resultsShare = 0.25
                        }
                    ]
                }
            }
        }
    }

    var levelVerdict: PBLevelChangeVerdict {
        .with {
            $0.change = "tch_1"
            $0.kind = .dismissed
            $0.note = user("A public holiday: nobody ran anything else.")
            $0.decidedBy = "usr_01jd3v9k2m8q4r6s7t0w1x2y3z"
            $0.decidedAt = time(7_200)
            $0.version = 2
        }
    }

    var qualityScore: PBQualityScore {
        .with {
            $0.score = 87.5
            $0.mainBranch = user("main")
            $0.data = [PBQualityTerm.Name.failing, .flaky, .regressed, .slower, .skipped, .recovery].map { name in
                .with {
                    $0.name = name
                    $0.measured = name == .recovery ? 18.25 : 0.02
                    $0.zero = name == .recovery ? 72 : 0.1
                    $0.value = 0.8
                    $0.weight = 25
                    $0.points = 25
                    $0.most = 31.25
                }
            }
        }
    }

    var setComparison: PBCompareSetsResponse {
        .with {
            $0.summary = .with {
                ($0.firstWeek, $0.lastWeek, $0.baseFirstWeek, $0.baseLastWeek) = ("2026-02-09", "2026-03-02", "2026-02-02", "2026-02-23")
                ($0.paired, $0.failsMore, $0.failsLess, $0.slower, $0.faster) = (1_480, 2, 1, 1, 1)
                ($0.added, $0.removed, $0.alike) = (1, 1, 1_475)
                $0.failure = effect(0.004, 0.001, 0.0071)
                $0.duration = effect(1.08, 1.02, 1.1449)
            }
            $0.data = PBSetDifference.Kind.allCases.filter { $0 != .unspecified }.map { kind in
                .with {
                    $0.kinds = kind == .failsMore ? [kind, .slower] : [kind]
                    $0.test = "tst_01kes8ytr0e5gtz60k42q52k4j"
                    ($0.suiteName, $0.className, $0.name) = (user("checkout"), user("Basket"), user("a voucher lowers the total"))
                    if kind != .added { $0.base = results(2, 40) }
                    if kind != .removed { $0.set = results(17, 40) }
                    if kind != .added, kind != .removed {
                        $0.failure = difference(0.375, 0.19, 0.5341)
                        $0.duration = difference(1.5166, 1.2885, 1.7853)
                    }
                }
            }
        }
    }

    private func effect(_ size: Double, _ low: Double, _ high: Double) -> PBPairedEffect {
        .with { ($0.effect, $0.low, $0.high, $0.tests) = (size, low, high, 1_480) }
    }

    private func difference(_ size: Double, _ low: Double, _ high: Double) -> PBSetEffect {
        .with { ($0.effect, $0.low, $0.high, $0.chance, $0.falseShare) = (size, low, high, 0.00002, 0.0004) }
    }

    private func results(_ failed: Int64, _ judged: Int64) -> PBSetResults {
        .with {
            ($0.passed, $0.failed, $0.failureRate) = (judged - failed, failed, Double(failed) / Double(judged))
            ($0.typicalDurationUs, $0.timed) = (12_000 + failed * 400, judged - failed)
        }
    }
}
