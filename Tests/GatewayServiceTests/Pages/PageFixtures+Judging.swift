import AnalyticsAPI
import CommonAPI
import ExecutionAPI
import Foundation
import SwiftProtobuf
import ValidationAPI

@testable import GatewayService

/// What services would say of quarantined tests, baselines and the environment.
extension PageFixtures {
    var quarantines: PBListQuarantinesResponse {
        .with {
            $0.data = [PBQuarantine.State.active, .expired, .lifted].enumerated().map { index, state in
                .with {
                    $0.id = "qrn_\(index)"
                    $0.test = test.id
                    $0.suiteName = user("checkout")
                    $0.className = user("BasketSpec")
                    $0.name = user("adds up three thirds")
                    $0.state = state
                    $0.owner = user("@acme/shop")
                    $0.reason = user("The payment sandbox answers late while it is moved to the new region.")
                    $0.ticket = (index == 1 ? "https://tracker.example.com/" : "No. ") + user("SHOP-12")
                    $0.createdBy = "usr_1"
                    $0.createdAt = time(900_000)
                    $0.expiresAt = time(index == 0 ? -800_000 : 40_000)
                    if state == .lifted {
                        $0.liftedAt = time(30_000)
                        $0.liftedBy = "usr_1"
                    }
                    $0.executions = 1_204
                    $0.failures = 143
                    $0.costMinutes = 360.46
                    $0.version = 2
                }
            }
        }
    }

    var quarantineVersions: PBListQuarantineVersionsResponse {
        .with {
            $0.data = [PBQuarantineVersion.Kind.lifted, .changed, .created].enumerated().map { index, kind in
                .with {
                    $0.quarantine = "qrn_2"
                    $0.version = Int64(3 - index)
                    $0.kind = kind
                    $0.owner = user("@acme/shop")
                    $0.ticket = index == 1 ? user("SHOP-12") : ""
                    $0.reason = user("The payment sandbox answers late.")
                    $0.expiresAt = time(40_000)
                    if index < 2 {
                        $0.saidBy = user("usr_1")
                        $0.saidAt = time(Double(index) * 30_000 + 30_000)
                    }
                    if index == 1 {
                        $0.endedAt = time(40_000)
                        $0.expired = true
                    }
                }
            }
        }
    }

    var excuses: PBListExcusesResponse {
        .with {
            $0.data = [false, true].enumerated().map { index, isExcused in
                .with {
                    $0.id = "exc_\(index)"
                    $0.run = "run_1"
                    $0.decidedAt = time(Double(index) * 600 + 60)
                    $0.edition = 1
                    $0.inputHash = user("9f86d081884c7d659a2feaa0c55ad015")
                    $0.failingTests = 512
                    $0.quarantinedTests = isExcused ? 512 : 3
                    $0.excused = isExcused
                }
            }
        }
    }

    var baselines: PBListBaselinesResponse {
        .with {
            $0.data = [PBBaseline.State.proposed, .approved, .approved, .rejected, .withdrawn].enumerated().map { index, state in
                .with {
                    $0.id = "bsl_\(index)"
                    $0.branch = user("main")
                    $0.environment = index == 1 ? user("staging") : ""
                    $0.number = Int64(5 - index)
                    $0.run = "run_\(index)"
                    $0.commitSha = user("9f2c41d07be2a6f0d1c3")
                    $0.counts = counts(1_204, Int64(index), 0, 31)
                    $0.state = state
                    $0.inForce = index == 1
                    $0.note = user("After the release of 4.2, looked through by the whole team.")
                    $0.proposedBy = "usr_01jd3v9k2m8q4r6s7t0w1x2y3z"
                    $0.proposedAt = time(Double(index) * 700_000 + 500)
                    if state != .proposed {
                        $0.decidedBy = "usr_01jd3v9k2m8q4r6s7t0w1x2y3a"
                        $0.decidedAt = time(Double(index) * 700_000)
                        $0.decisionNote = user("Fine.")
                    }
                    if state == .withdrawn {
                        $0.withdrawnBy = "usr_01jd3v9k2m8q4r6s7t0w1x2y3a"
                        $0.withdrawnAt = time(300)
                        $0.withdrawalNote = user("Half of the suite had not run.")
                    }
                }
            }
        }
    }

    var retryPlan: PBRetryPlan {
        .with {
            $0.failingTests = 512
            $0.retryTests = 1
            $0.remainingMinutes = 55.5
            $0.data = [true, false].map { isRetried in
                .with {
                    $0.test = test.id
                    $0.suiteName = user("checkout")
                    $0.className = user("BasketSpec")
                    $0.name = user("adds up three thirds")
                    $0.retry = isRetried
                    $0.detail = user("It is known to be flaky.")
                    $0.category = isRetried ? "TIMEOUT" : user("ASSERTION")
                    $0.attempts = 2
                    $0.durationUs = 1_500_000
                    if isRetried { $0.word = retryWords.data[0] }
                }
            }
        }
    }

    /// Taken back in between.
    var retryWords: PBListRetryWordsResponse {
        .with {
            $0.data = [PBRetryWord.Kind.always, .unspecified, .never].enumerated().map { index, kind in
                .with {
                    $0.kind = kind
                    $0.note = kind == .unspecified ? "" : user("It waits for a slow host.")
                    $0.saidBy = user("usr_1")
                    $0.saidAt = time(Double(index) * 9_000 + 600)
                    $0.version = Int64(4 - index)
                }
            }
        }
    }

    var keptRetryPlans: PBListRetryPlansResponse {
        .with {
            $0.data = [false, true].enumerated().map { index, isExcused in
                .with {
                    $0.id = "rpl_\(index)"
                    $0.run = "run_1"
                    $0.decidedAt = time(Double(index) * 600 + 60)
                    $0.edition = 2
                    $0.inputHash = user("9f86d081884c7d659a2feaa0c55ad015")
                    $0.plan.failingTests = 512
                    $0.plan.retryTests = 1
                    $0.plan.excused = isExcused
                }
            }
        }
    }

    var regressionStates: PBListRegressionStatesResponse {
        let lines: [(regressed: Int64, branch: String, environment: String, assessed: PBAssessmentCounts?)] = [
            (
                3, "main", "",
                PBAssessmentCounts.with {
                    $0.regression = 1
                    $0.uncertain = 1
                    $0.flake = 1
                }
            ),
            (0, "main", "staging", nil), (-1, "release/4.2", "", nil), (2, "feature/rounding", "", nil),
            (
                7, "nightly", "",
                PBAssessmentCounts.with {
                    $0.environment = 6
                    $0.noRegression = 1
                }
            ),
        ]
        return .with {
            $0.data = lines.map { line in
                .with {
                    $0.heldAgainst = .with {
                        $0.number = 3
                        $0.branch = user(line.branch)
                        $0.environment = line.environment.isEmpty ? "" : user(line.environment)
                        $0.run = "run_1"
                    }
                    guard line.regressed >= 0 else { return }
                    $0.run = "run_2"
                    $0.commitSha = user("9f2c41d07be2a6f0d1c3")
                    $0.finishedAt = time(5_400)
                    $0.summary = .with {
                        $0.regressed = line.regressed
                        $0.stillFailing = 2
                        $0.fixed = 1
                        if let assessed = line.assessed { $0.assessed = assessed }
                    }
                }
            }
        }
    }

    var regressions: PBListRegressionsResponse {
        .with {
            $0.heldAgainst = regressionStates.data[1].heldAgainst
            $0.summary = .with {
                $0.regressed = 2
                $0.added = 1
                $0.stillFailing = 4
                $0.removed = 1
                $0.assessed = .with {
                    $0.regression = 1
                    $0.flake = 1
                    $0.noRegression = 1
                    $0.unassessed = 12_345
                }
            }
            $0.receipt.judgedAt = time(5_000)
            $0.heldAgainst.withdrawn = true
            $0.data = [PBRegression.Kind.regressed, .added, .unskipped].enumerated().map { index, kind in
                .with {
                    $0.kind = kind
                    $0.test = test.id
                    $0.suiteName = user("checkout")
                    $0.className = user("BasketSpec")
                    $0.name = user("adds up three thirds")
                    if kind != .added { $0.baseline = side(kind == .unskipped ? .skipped : .passed) }
                    $0.run = side(.failed)
                    $0.lastGood = point(index == 1 ? nil : 90_000)
                    $0.firstBad = point(80_000)
                    $0.suspects = (0..<(index == 0 ? 12 : 1)).map { user("9f2c41d07be2a6f0d1\($0)") }
                    if index == 0 {
                        $0.culpritSha = user("9f2c41d07be2a6f0d1c3")
                        $0.told.lastGood = point(nil)
                        $0.told.firstBad = point(70_000)
                        $0.told.suspects = [user("9f2c41d07be2a6f0d17"), user("9f2c41d07be2a6f0d18")]
                    }
                    $0.assessment = assessment(index)
                }
            }
        }
    }

    private func assessment(_ index: Int) -> PBRegressionAssessment {
        .with {
            $0.kind = [.regression, .flake, .noRegression][index]
            $0.confidence = 0.97
            $0.reasons = [user("Without this failure the test is flaky already."), user("It passed and failed on 3 commits.")]
            $0.quarantined = index == 1
            $0.verdict = .with {
                $0.test = test.id
                $0.baseline = "bsl_1"
                $0.version = 1
                guard index == 2 else { return }
                $0.kind = .noRegression
                $0.reason = user("The total is rounded up since 4.2, as the customer wants it.")
                $0.commitSha = user("9f2c41d07be2a6f0d1c3")
                $0.decidedBy = "usr_01jd3v9k2m8q4r6s7t0w1x2y3z"
                $0.decidedAt = time(4_000)
            }
            if index == 2 { $0.judgedKind = .regression }
        }
    }

    private func side(_ outcome: PBOutcome.Value) -> PBComparedResult {
        .with {
            $0.result = "res_1"
            $0.outcome = outcome
        }
    }

    private func point(_ ago: Double?) -> PBRegressionPoint {
        .with {
            $0.run = "run_1"
            $0.commitSha = user("9f2c41d07be2a6f0d1c3")
            if let ago { $0.at = time(ago) }
        }
    }

    var incidents: PBListEnvironmentIncidentsResponse {
        .with {
            $0.data = [
                (PBEnvironmentIncident.Kind.host, "runner-7", PBEnvironmentIncident.State.standing), (.zone, "eu-central-1b", .dismissed),
                (.hour, "2026-03-01T10:00:00Z", .standing), (.run, "run_01jnexample00000000000abcdef", .withdrawn),
            ].map { kind, place, state in
                .with {
                    $0.id = "inc_1"
                    $0.kind = kind
                    $0.place = kind == .host || kind == .zone ? user(place) : place
                    $0.state = state
                    $0.failures = 14
                    $0.evidence = .with {
                        $0.tests = 14
                        $0.groups = 9
                        $0.compared = 11
                        $0.there = 9
                        $0.expected = kind == .zone ? 0.02 : 2.2
                        $0.chance = kind == .zone ? 1e-12 : 0.00002
                    }
                    $0.from = time(40_000)
                    $0.to = time(4_000)
                    guard state == .dismissed else { return }
                    $0.dismissedBy = "usr_01jd3v9k2m8q4r6s7t0w1x2y3z"
                    $0.dismissedAt = time(900)
                    $0.dismissalReason = user("The database of the tests was to blame, which is ours.")
                }
            }
        }
    }

    /// Of which there is a person's word alone.
    var declaredIncident: PBEnvironmentIncident {
        var incident = incidents.data[2]
        incident.clearEvidence()
        incident.upheld = true
        incident.declaredBy = "usr_01jd3v9k2m8q4r6s7t0w1x2y3z"
        incident.declaredAt = time(800)
        return incident
    }

    var environmentVerdicts: PBListEnvironmentVerdictsResponse {
        .with {
            $0.data = [(PBEnvironmentVerdict.Kind.dismissed, 900), (.reinstated, 2_000), (.dismissed, 3_000), (.declared, 4_000)].map { kind, ago in
                .with {
                    $0.kind = kind
                    $0.reason = kind == .dismissed ? user("The database of the tests was to blame, which is ours.") : ""
                    $0.decidedBy = "usr_01jd3v9k2m8q4r6s7t0w1x2y3z"
                    $0.decidedAt = time(ago)
                }
            }
        }
    }

    var environmentFailures: PBListEnvironmentFailuresResponse {
        .with {
            $0.data = (0..<6).map { index in
                .with {
                    $0.result = "res_\(index)"
                    $0.test = test.id
                    $0.suiteName = user("checkout")
                    $0.className = user("BasketSpec")
                    $0.name = user("adds up three thirds")
                    $0.run = "run_1"
                    $0.host = user("runner-7")
                    $0.zone = index == 1 ? user("eu-central-1b") : ""
                    $0.branch = user("main")
                    $0.commitSha = user("9f2c41d07be2a6f0d1c3")
                    $0.startedAt = time(Double(index) * 4_000)
                }
            }
        }
    }
}
