import AnalyticsAPI
import CommonAPI
import ExecutionAPI
import Foundation
import SwiftProtobuf

@testable import GatewayService

/// What Analytics would say of tests.
extension PageFixtures {
    var stability: PBTestStability {
        .with {
            $0.test = test
            $0.stability = flakyVerdict
            $0.reasons = reasons
            $0.lines = [("main", "", Int64(411)), ("feature/one-click-checkout", "staging", 20)].map { branch, environment, results in
                .with {
                    $0.branch = user(branch)
                    $0.environment = environment.isEmpty ? "" : user(environment)
                    $0.results = results
                }
            }
        }
    }

    var personsVerdict: PBTestVerdict {
        .with {
            $0.test = "tst_1"
            $0.kind = .stable
            $0.reason = user("The sandbox's clock was wrong; it is mended.")
            $0.decidedBy = user("usr_1")
            $0.decidedAt = time(3_600)
            $0.version = 3
        }
    }

    var flaky: PBListFlakyTestsResponse {
        .with {
            $0.data = (0..<3).map { _ in
                .with {
                    $0.test = test
                    $0.test.stability = flakyVerdict
                    $0.reasons = reasons
                    $0.quarantined = true
                }
            }
        }
    }

    var grid: PBTestGrid {
        .with {
            $0.runs = (0..<30).map { index in
                .with {
                    $0.run = "run_\(index)"
                    $0.startedAt = time(Double(index) * 20_000)
                    $0.branch = user("main")
                    $0.commitSha = user("9f2c41d07be2a6f0d1c3")
                }
            }
            $0.data = (0..<12).map { row in
                .with {
                    $0.test = test
                    if row % 3 == 0 { $0.test.stability = flakyVerdict }
                    $0.cells = (0..<30).filter { ($0 + row) % 9 != 4 }.map { column in
                        .with {
                            $0.run = Int32(column)
                            $0.result = "res_\(row)_\(column)"
                            $0.outcome = (column * 7 + row * 3) % 11 == 3 ? .failed : (column + row) % 17 == 7 ? .errored : .passed
                        }
                    }
                }
            }
        }
    }

    var flakyVerdict: PBStability {
        .with {
            $0.kind = .flaky
            $0.confidence = 0.984
            $0.flakyChance = 0.97
        }
    }

    private var reasons: [PBStabilityReason] {
        [
            .with {
                $0.kind = .bothOutcomesOnOneCommit
                $0.detail = user("It passed and failed on 3 commits.")
                $0.count = 3
            },
            .with {
                $0.kind = .failsSince
                $0.detail = user("It fails, 3 results without a pass.")
                $0.since = time(90_000)
                $0.commitSha = user("9f2c41d07be2a6f0d1c3")
            },
        ]
    }
}

extension PageFixtures {
    var comparison: PBCompareRunsResponse {
        .with {
            $0.summary = .with {
                $0.newFailures = 1
                $0.fixed = 2
                $0.slower = 1
                $0.unchanged = 412
            }
            $0.data = [PBTestDifference.Kind.newFailure, .stillFailing, .fixed, .added, .removed, .slower].map { kind in
                .with {
                    $0.kind = kind
                    $0.test = "tst_1"
                    $0.suiteName = user("checkout")
                    $0.className = user("BasketSpec")
                    $0.name = user("adds up three thirds")
                    if kind != .added {
                        $0.base = .with {
                            $0.result = "res_1"
                            $0.outcome = kind == .fixed || kind == .stillFailing ? .failed : .passed
                            $0.durationUs = 12_000
                        }
                    }
                    if kind != .removed {
                        $0.run = .with {
                            $0.result = "res_2"
                            $0.outcome = kind == .newFailure || kind == .stillFailing ? .failed : .passed
                        }
                    }
                }
            }
        }
    }
}
