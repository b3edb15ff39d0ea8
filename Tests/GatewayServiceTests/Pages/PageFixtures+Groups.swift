import CommonAPI
import ExecutionAPI
import Foundation
import SwiftProtobuf
import ValidationAPI

@testable import GatewayService

/// What Validation would say of groups of failures.
extension PageFixtures {
    var failureGroups: [PBFailureGroup] {
        [PBFailureGroup.State.new, .ongoing, .regressed, .resolved].enumerated().map { index, state in
            .with {
                $0.id = "grp_\(index)"
                $0.state = state
                $0.template = user("connection to <*> refused after <*>")
                $0.errorType = user("ConnectException")
                $0.location = user("Database.connect")
                $0.category = .network
                $0.severity = .high
                $0.failures = Int64(128 - index)
                $0.tests = 14
                $0.signatures = 3
                $0.firstSeen = sighting(900_000)
                $0.lastSeen = sighting(600)
                $0.sampleMessage = user("connection to 10.0.0.7:5432 refused after 3 s")
                $0.owner = user("payments")
                if state == .resolved || state == .regressed {
                    $0.resolution = .with {
                        $0.at = time(90_000)
                        $0.by = user("usr_1")
                        $0.commitSha = user("9f2c41d07be2a6f0d1c3")
                        $0.branch = user("main")
                    }
                }
                if state == .regressed { $0.regression = sighting(3_000) }
                $0.stateReason = [.seenOnce, .seenAgain, .contradicted, .resolvedByPerson][index]
                $0.stateEdition = 1
            }
        }
    }

    var groupParts: FailureGroupPage.Parts {
        FailureGroupPage.Parts(
            failures: .content(.with { $0.data = failures.data }),
            tests: .content(
                .with {
                    $0.data = [
                        .with {
                            $0.test = "tst_1"
                            $0.className = user("BasketSpec")
                            $0.testName = user("adds up three thirds")
                            $0.failures = 9
                            $0.lastSeenAt = time(600)
                            $0.owners = [user("@acme/basket")]
                        }
                    ]
                    $0.page = .with { $0.hasMore_p = true }
                }),
            merges: .content(
                .with {
                    $0.data = [
                        .with {
                            $0.kept = .with { $0.text = user("session of alice was closed") }
                            $0.joined = .with { $0.text = user("session of bob was closed") }
                            $0.detail = user("6 different words stood at <*> number 1, where 5 are needed.")
                        }
                    ]
                }),
            occurrences: .content(
                .with {
                    $0.data = (0..<30).map { index in
                        .with {
                            $0.at = time(Double(29 - index) * 86_400)
                            $0.failures = Int64(index * 7 % 13)
                            if index > 9 { $0.tests = Int64(index * 7 % 13 / 2) }
                        }
                    }
                }),
            signatures: .content(
                .with {
                    $0.data = ["alice", "bob"].map { name in
                        .with {
                            $0.id = "sig_\(name)"
                            $0.text = user("session of \(name) was closed")
                            $0.failures = 4
                            $0.lastSeenAt = time(600)
                        }
                    }
                }), decisions: .content(.with { $0.data = groupDecisions }), latest: .content(results.data[0]), verdicts: ["tst_1": flakyVerdict],
            word: .content(failureVerdict), others: failureGroups)
    }

    /// About the group `grp_2`.
    var groupDecisions: [PBGroupingDecision] {
        [true, false, nil].map { takenOut in
            .with {
                $0.id = "gdc_1"
                $0.kind = takenOut == nil ? .merge : .split
                $0.decidedBy = "usr_01jd3v9k2m8q4r6s7t0w1x2y3a"
                $0.decidedAt = time(7_200)
                $0.note = user("Two outages")
                $0.signatures = 5
                $0.groups = [
                    .with {
                        $0.group = "grp_2"
                        $0.signatures = 3
                        if let takenOut { $0.takenOut = takenOut }
                    },
                    .with {
                        $0.group = "grp_0"
                        $0.signatures = 2
                        if let takenOut { $0.takenOut = !takenOut }
                    },
                ]
            }
        }
    }

    private func sighting(_ ago: Double) -> PBSighting {
        .with {
            $0.at = time(ago)
            $0.run = "run_1"
            $0.result = "res_1"
            $0.branch = user("main")
            $0.commitSha = user("9f2c41d07be2a6f0d1c3")
        }
    }
}
