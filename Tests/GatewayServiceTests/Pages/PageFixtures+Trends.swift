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
        }
        return trend
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

    var trendChanges: PBTrendChanges {
        .with {
            $0.data = [PBTrendChange.Figure.passRate, .duration].map { figure in
                .with {
                    $0.figure = figure
                    $0.day = "2026-02-14"
                    $0.before = figure == .passRate ? 0.98 : 12_000
                    $0.after = figure == .passRate ? 0.9 : 9_000
                    $0.causes = [
                        .with {
                            $0.dimension = .suite
                            $0.value = user("checkout")
                            $0.share = 0.84
                        }
                    ]
                }
            }
        }
    }

    var qualityScore: PBQualityScore {
        .with {
            $0.score = 87.5
            $0.data = [PBQualityTerm.Name.failing, .flaky, .regressed, .skipped].map { name in
                .with {
                    $0.name = name
                    $0.measured = 0.02
                    $0.points = 25
                    $0.most = 31.25
                }
            }
        }
    }
}
