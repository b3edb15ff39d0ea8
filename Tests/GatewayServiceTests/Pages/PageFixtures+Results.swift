import AnalyticsAPI
import CommonAPI
import ExecutionAPI
import Foundation
import NotificationsAPI
import ProjectsAPI
import SchedulingAPI
import SwiftProtobuf
import ValidationAPI

extension PageFixtures {
    static let trace = """
        AssertionError: expected 99.99 to equal 100.00
            at basketTotal (src/basket/total.ts:41:17)
            at Object.<anonymous> (test/basket.spec.ts:118:31)
            at processTicksAndRejections (node:internal/process/task_queues:95:5)
        """

    func failure(_ name: String, _ category: PBCategory.Value, _ severity: PBSeverity.Value, _ rule: String, _ evidence: String) -> PBFailure {
        .with {
            $0.result = "res_\(name.count)"
            $0.testName = user(name)
            $0.className = user("BasketSpec")
            $0.category = category
            $0.severity = severity
            $0.rule = rule
            $0.evidence = user(evidence)
            $0.message = user("expected 99.99 to equal 100.00")
        }
    }

    var failures: PBListFailuresResponse {
        .with {
            $0.data = [
                failure("adds up three thirds", .assertion, .medium, "assertion.expected-actual", "expected 99.99 to equal 100.00"),
                failure("keeps the discount when an item is removed", .assertion, .medium, "assertion.expected-actual", "expected 2 to equal 1"),
                failure("confirms by e-mail", .timeout, .high, "timeout.deadline", "timed out after 30000 ms"),
                failure("pays with a saved card", .network, .critical, "network.connection-refused", "connect ECONNREFUSED 10.0.3.7:8443"),
            ]
        }
    }

    var validation: PBValidation {
        .with {
            $0.state = .judged
            $0.failures = 4
            $0.categories = [(.assertion, .medium, 2), (.timeout, .high, 1), (.network, .critical, 1)].map {
                (category: PBCategory.Value, severity: PBSeverity.Value, count: Int64) in
                .with {
                    $0.category = category
                    $0.worstSeverity = severity
                    $0.count = count
                }
            }
        }
    }

    func result(_ name: String, _ outcome: PBOutcome.Value, microseconds: Int64) -> PBResult {
        .with {
            $0.id = "res_\(name.count)"
            $0.run = "run_1"
            $0.test = "tst_1"
            $0.suiteName = user("checkout")
            $0.className = user("BasketSpec")
            $0.name = user(name)
            $0.outcome = outcome
            $0.durationUs = microseconds
            $0.recordedAt = time(5_300)
            $0.attempt = 2
            guard outcome == .failed || outcome == .errored else { return }
            $0.file = user("test/basket.spec.ts")
            $0.line = 118
            $0.message = user("expected 99.99 to equal 100.00")
            $0.type = user("AssertionError")
            $0.trace = user(Self.trace)
            $0.systemOut = user("\u{1B}[32mbasket\u{1B}[0m: 3 lines\ntotal 99.99")
            $0.systemErr = user("warning: rounding each line")
        }
    }

    var results: PBListResultsResponse {
        .with {
            $0.data = [
                result("adds up three thirds", .failed, microseconds: 12_410), result("pays with a saved card", .errored, microseconds: 2_012_000),
                result("is empty at first", .passed, microseconds: 210), result("speaks Welsh", .skipped, microseconds: 0),
                result(
                    "shows the delivery date in the time zone of the recipient, also around the change to summer time", .passed, microseconds: 88_120),
            ]
            $0.page = .with { $0.nextCursor = "cursor" }
        }
    }

    var artifacts: PBListArtifactsResponse {
        .with { list in
            list.data = [("screens/basket.png", "image/png", 48_213), ("trace.zip", "application/zip", 2_412_007)].map {
                (name: String, type: String, bytes: Int64) in
                .with {
                    $0.id = "art_\(name.count)"
                    $0.name = user(name)
                    $0.mediaType = type
                    $0.bytes = bytes
                    if type == "image/png" {
                        $0.width = 1_280
                        $0.height = 720
                    }
                }
            }
            list.page = .with { $0.hasMore_p = true }
            list.dropped = .with {
                $0.files = 2
                $0.bytes = 1 << 20
            }
        }
    }

    var httpResult: PBResult {
        var whole = result("an expectation that does not hold", .failed, microseconds: 184_300)
        whole.message = user("status equals 200: found 503")
        whole.type = ""
        whole.file = ""
        whole.trace = ""
        whole.http = .with {
            $0.method = user("POST")
            $0.url = user("https://staging.shop.example/api/basket/42/confirm?notify=true")
            $0.status = 503
            $0.address = "203.0.113.7"
            $0.dnsUs = 4_200
            $0.connectUs = 18_100
            $0.tlsUs = 41_000
            $0.firstByteUs = 102_000
            $0.totalUs = 184_300
            $0.bodyBytes = 18_211
            $0.bodyExcerpt = user("{\"error\": \"upstream unavailable\", \"retry_after\": 30}")
            $0.assertions = [
                ("status equals 200", false, "503"), ("header content-type contains json", true, "application/json"),
                ("json $.items[0].price less than 10", false, "no match"),
            ]
            .map { text, passed, actual in
                .with {
                    $0.assertion = user(text)
                    $0.passed = passed
                    $0.actual = user(actual)
                }
            }
        }
        return whole
    }

    var history: PBListHistoryResponse {
        .with {
            $0.data = (0..<30).map { index in
                .with {
                    $0.result = index == 3 ? "res_33" : "res_h\(index)"
                    $0.run = "run_\(index)"
                    $0.outcome = index % 11 == 3 ? .failed : index % 13 == 7 ? .errored : index == 20 ? .skipped : .passed
                    $0.durationUs = 11_000 + Int64(index * 97)
                    $0.branch = user(index % 4 == 0 ? "feature/one-click-checkout" : "main")
                    $0.commitSha = user("9f2c41d07be2a6f0d1c3")
                    $0.executedAt = time(Double(index) * 10_000 + 600)
                }
            }
            $0.page = .with { $0.nextCursor = "cursor" }
        }
    }

    var test: PBTest {
        .with {
            $0.id = "tst_1"
            $0.suiteName = user("checkout")
            $0.className = user("BasketSpec")
            $0.name = user("adds up three thirds")
            $0.counts = counts(411, 17, 3, 2)
            $0.flips = 14
            $0.lastOutcome = .failed
            $0.firstSeenAt = time(7_000_000)
            $0.lastSeenAt = time(600)
            $0.meanDurationUs = 12_410
        }
    }

    var suites: PBListSuitesResponse {
        .with {
            $0.data = [("API smoke", 4), ("Empty", 0)].map { name, count in
                .with {
                    $0.id = "ste_\(name.count)"
                    $0.name = user(name)
                    $0.description_p = user("Is the shop there at all?")
                    $0.caseCount = Int64(count)
                }
            }
        }
    }

    var cases: [PBCase] {
        [("the basket answers", "GET", "{{base}}/api/basket/1"), ("an order is confirmed", "POST", "{{base}}/api/basket/42/confirm?notify=true")]
            .map { name, method, url in
                .with {
                    $0.name = user(name)
                    $0.http = .with {
                        $0.method = method
                        $0.url = user(url)
                        $0.assertions = [PBAssertion(), PBAssertion()]
                    }
                }
            }
    }

    var schedules: [PBSchedule] {
        [true, false].map { isEnabled in
            .with {
                $0.name = user(isEnabled ? "Every quarter of an hour" : "Nightly")
                $0.suite = "ste_9"
                $0.cron = user(isEnabled ? "*/15 * * * *" : "0 3 * * *")
                $0.timeZone = user("Europe/Berlin")
                $0.enabled = isEnabled
                $0.upcoming = isEnabled ? [time(-900), time(-1_800), time(-2_700), time(-3_600)] : []
            }
        }
    }

    var channels: [PBChannel] {
        [
            .with {
                $0.id = "chn_1"
                $0.name = user("On-call webhook")
            }
        ]
    }

    var deliveries: PBListDeliveriesResponse {
        .with {
            $0.data = [(.pending, 2, 503, ""), (.delivered, 1, 204, ""), (.failed, 12, 0, "timeout"), (.blocked, 1, 0, "blocked_target")].map {
                (state: PBDelivery.State, attempts: Int32, status: Int32, error: String) in
                .with {
                    $0.channel = "chn_1"
                    $0.eventType = "run.finished"
                    $0.state = state
                    $0.attempts = attempts
                    $0.lastStatus = status
                    $0.lastError = error.isEmpty ? "" : user(error)
                    $0.nextAttemptAt = time(-300)
                    $0.createdAt = time(900)
                }
            }
        }
    }
}
