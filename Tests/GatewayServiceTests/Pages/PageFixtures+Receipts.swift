import AnalyticsAPI
import ExecutionAPI
import Foundation
import SwiftProtobuf
import ValidationAPI

@testable import GatewayService

/// Receipts, and what people say of a failure.
extension PageFixtures {
    var failureVerdict: PBVerdict {
        .with {
            $0.result = "res_1"
            $0.category = .environment
            $0.severity = .low
            $0.note = user("The sandbox was down for maintenance.")
            $0.decidedBy = "usr_01jd3v9k2m8q4r6s7t0w1x2y3a"
            $0.decidedAt = time(3_600)
            $0.version = 2
        }
    }

    /// Taken back in between.
    var failureWords: PBListVerdictsResponse {
        .with {
            $0.data = [
                failureVerdict,
                .with {
                    $0.decidedBy = user("usr_2")
                    $0.decidedAt = time(9_000)
                },
            ]
        }
    }

    var testWords: PBListTestVerdictsResponse {
        .with {
            $0.data = [
                personsVerdict,
                .with {
                    $0.decidedBy = user("usr_2")
                    $0.decidedAt = time(9_000)
                },
            ]
        }
    }

    var regressionWords: PBListRegressionVerdictsResponse {
        .with {
            $0.data = [PBRegressionVerdict.Kind.noRegression, .unspecified, .regression].map { kind in
                .with {
                    $0.kind = kind
                    $0.reason = kind == .unspecified ? "" : user("The total is rounded up since 4.2, as the customer wants it.")
                    $0.commitSha = kind == .unspecified ? "" : user("9f2c41d07be2a6f0d1c3")
                    $0.decidedBy = user("usr_2")
                    $0.decidedAt = time(9_000)
                }
            }
        }
    }

    var ruleReceipt: PBReceipt {
        .with {
            $0.result = "res_1"
            $0.category = .network
            $0.severity = .high
            $0.rule = "network.connection-refused"
            $0.evidence = user("connection refused")
            $0.builtInEdition = 3
            $0.projectEdition = 14
            $0.inputSha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
            $0.judgedAt = time(90_000)
        }
    }

    var replay: PBReplay {
        .with {
            $0.receipt = ruleReceipt
            $0.category = .network
            $0.agrees = true
        }
    }

    var groupReplay: PBFailureGroupReplay {
        .with {
            $0.edition = 1
            $0.signedAs = "sig_01jd3v9k2m8q4r6s7t0w1x2y3a"
            $0.signedAgain = "sig_01jd3v9k2m8q4r6s7t0w1x2y3b"
            $0.group = "grp_01jd3v9k2m8q4r6s7t0w1x2y3a"
            $0.groupAgain = "grp_01jd3v9k2m8q4r6s7t0w1x2y3a"
            $0.detail = user("The texts are signed otherwise now.")
            $0.state = .with {
                $0.state = .regressed
                $0.edition = 1
                $0.stateAgain = .resolved
                $0.reasonAgain = .resolvedByAbsence
                $0.evidenceAgain = .with {
                    $0.recurring = true
                    $0.absent = true
                    $0.resolvedAt = time(90_000)
                }
                $0.detail = user("What its signatures come to is another state.")
            }
            $0.merges = [.with { $0.detail = user("In \"session of <*> was closed\" 6 different words stood at <*> number 1, where 5 are needed.") }]
        }
    }
}
