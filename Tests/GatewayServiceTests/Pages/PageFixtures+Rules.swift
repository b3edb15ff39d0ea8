import CommonAPI
import Foundation
import SwiftProtobuf
import ValidationAPI

@testable import GatewayService

/// What Validation would say of a project's rules.
extension PageFixtures {
    var rules: PBListProjectRulesResponse {
        .with {
            $0.data = [
                rule(10, "Payment sandbox is down", #"sandbox\.pay\.example .*(refused|503)"#, .environment, .high),
                rule(
                    100, "Voucher service rejects the token", #"(?i)voucher.*(401|token (expired|invalid))"#, .authentication, .medium,
                    [.message, .trace]),
                rule(100, "Anything slow", #"(a+)+timeout after \d+ ?(ms|s|seconds) while waiting for .* of .*"#, .timeout, .low, overruns: 7),
                rule(500, "Grid node gone", #"^.*node .* (left|lost).*$"#, .resource, .critical, [.systemErr], overruns: 20, isOn: false),
                rule(900, "Old one", "legacy", .data, .low, [.type], isOn: false),
            ]
            $0.edition = 14
        }
    }

    func rule(
        _ order: Int32, _ name: String, _ pattern: String, _ category: PBCategory.Value, _ severity: PBSeverity.Value,
        _ places: [PBProjectRule.Place] = [.message, .type, .trace, .systemErr], overruns: Int64 = 0, isOn: Bool = true
    ) -> PBProjectRule {
        .with {
            $0.id = "rul_01jnexample000000000000000\(order % 10)"
            $0.name = user(name)
            $0.pattern = user(pattern)
            $0.order = order
            $0.category = category
            $0.severity = severity
            $0.places = places
            $0.enabled = isOn
            $0.overruns = overruns
            if overruns > 0 { $0.lastOverrunAt = time(7_200) }
            $0.version = 14
        }
    }

    var builtInRules: [PBRule] {
        [
            ("network.connection-refused", "The target refused the connection.", PBCategory.Value.network, PBSeverity.Value.high),
            ("tls.certificate", "A certificate was not trusted, or is over.", .tls, .high),
            ("memory.killed", "The kernel ended it.", .outOfMemory, .critical),
        ].enumerated().map { index, rule in
            .with {
                $0.id = rule.0
                $0.description_p = rule.1
                $0.category = rule.2
                $0.severity = rule.3
                $0.order = Int32(index)
            }
        }
    }

    var ruleTest: PBRuleTest {
        .with {
            $0.examined = 1000
            $0.matched = 61
            $0.changed = 44
            $0.overBudget = 2
            $0.complete = false
            $0.withoutTexts = 12
            $0.patternUs = 1_830
            $0.matches = (0..<61).map { index in
                .with {
                    $0.result = "res_\(index)"
                    $0.testName = user("a voucher lowers the total, and the receipt says by how much")
                    $0.evidence = index % 7 == 3 ? "" : user("sandbox.pay.example: connection refused after 3 attempts")
                    $0.categoryNow = .network
                    $0.categoryThen = index % 4 == 1 ? .network : .environment
                    $0.decides = index % 4 != 1
                }
            }
        }
    }

    var ruleEditions: PBListRuleEditionsResponse {
        .with {
            $0.data = [PBRuleEdition.Change.learningOff, .learningOn, .switchedOff, .deleted, .updated, .created].enumerated().map { index, change in
                .with {
                    $0.edition = Int64(14 - index)
                    $0.change = change
                    $0.ruleName = user("Payment sandbox is down")
                    $0.changedBy = change == .switchedOff ? "" : "usr_01jd3v9k2m8q4r6s7t0w1x2y3z"
                    $0.changedAt = time(Double(index) * 90_000)
                }
            }
        }
    }

    var lessons: PBListLessonsResponse {
        .with {
            $0.data = [PBSeverity.Value.critical, .severityUnspecified].enumerated().map { index, severity in
                .with {
                    $0.result = "res_\(index)"
                    $0.text = user("warehouse <*> gave no stock figures")
                    $0.errorType = user("FeedException")
                    $0.location = user("shop.Warehouse.reserve")
                    $0.category = .network
                    $0.severity = severity
                    $0.decidedBy = "usr_01jd3v9k2m8q4r6s7t0w1x2y3z"
                    $0.decidedAt = time(Double(index) * 90_000)
                }
            }
        }
    }

    var learning: PBLearning {
        .with {
            $0.enabled = true
            $0.version = 3
        }
    }

    /// Why a failure is what it is that no rule knew.
    var receipt: PBReceipt {
        .with {
            $0.rule = "learned"
            $0.evidence = user("like one that people filed as network: 92 % alike")
            $0.neighbours = [
                .with {
                    $0.result = "res_1"
                    $0.category = .network
                    $0.similarity = 0.92
                }
            ]
        }
    }

    var judgings: PBListRecategorisationsResponse {
        .with {
            $0.data = [PBRecategorisation.State.running, .done, .abandoned].enumerated().map { index, state in
                .with {
                    $0.state = state
                    $0.done = state == .done ? 20_000 : 7_300
                    $0.total = 20_000
                    $0.changed = Int64(120 * index)
                    $0.withoutTexts = index == 1 ? 300 : 0
                    $0.changedLogPatterns = index == 1 ? 3 : 0
                    $0.builtInEdition = 2
                    $0.projectEdition = Int64(14 - index)
                    $0.startedBy = "usr_01jd3v9k2m8q4r6s7t0w1x2y3z"
                    $0.createdAt = time(40 + Double(index) * 400_000)
                    if state == .done { $0.finishedAt = time(399_000) }
                }
            }
        }
    }
}
