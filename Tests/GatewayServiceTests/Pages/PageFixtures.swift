import AnalyticsAPI
import CommonAPI
import ExecutionAPI
import Foundation
import NotificationsAPI
import ProjectsAPI
import SchedulingAPI
import SwiftProtobuf
import ValidationAPI

/// What services would answer, as a customer's project looks after some weeks. `user` makes every text that a user can choose, so that the same
/// pages can be rendered with hostile ones.
struct PageFixtures: Sendable {
    let user: @Sendable (String) -> String
    /// 2026-03-01T12:00:00Z
    let now = Date(timeIntervalSince1970: 1_772_366_400)

    init(user: @escaping @Sendable (String) -> String = { $0 }) {
        self.user = user
    }

    func time(_ secondsAgo: Double) -> Google_Protobuf_Timestamp { Google_Protobuf_Timestamp(date: now.addingTimeInterval(-secondsAgo)) }

    func counts(_ passed: Int64, _ failed: Int64 = 0, _ errored: Int64 = 0, _ skipped: Int64 = 0, _ pending: Int64 = 0) -> PBCounts {
        .with {
            $0.total = passed + failed + errored + skipped + pending
            $0.passed = passed
            $0.failed = failed
            $0.errored = errored
            $0.skipped = skipped
            $0.pending = pending
        }
    }

    var project: PBProject {
        .with {
            $0.id = "prj_01jnexample0000000000000001"
            $0.slug = "checkout"
            $0.name = user("Checkout")
            $0.description_p = user("Cart, payment and order confirmation of the web shop.")
            $0.defaultBranch = user("main")
        }
    }

    var projects: [PBProject] {
        [
            ("checkout", "Checkout", "Cart, payment and order confirmation of the web shop."), ("search", "Search", ""),
            ("mobile-gateway", "Mobile gateway", "What the apps talk to."), ("fresh", "Brand new", ""),
        ]
        .map { slug, name, description in
            .with {
                $0.id = "prj_\(slug)"
                $0.slug = slug
                $0.name = user(name)
                $0.description_p = description.isEmpty ? "" : user(description)
            }
        }
    }

    /// Thirty days with a bad week, and Sundays off.
    func trend(days: Int = 30) -> PBTrend {
        .with {
            $0.data = (0..<days).map { index in
                let day = now.addingTimeInterval(Double(index - days + 1) * 86_400)
                let isOff = index % 7 == 6
                let bad: Int64 = isOff ? 0 : (9...13).contains(index) ? 40 + Int64(index) : Int64(index * 7 % 5)
                let good: Int64 = isOff ? 0 : 400 + Int64(index * 37 % 90)
                return .with {
                    $0.day = String(day.formatted(.iso8601).prefix(10))
                    $0.runs = isOff ? 0 : 6
                    $0.runsPassed = isOff ? 0 : bad > 10 ? 1 : 5
                    $0.counts = counts(good, bad)
                    if !isOff { $0.passRate = Double(good) / Double(good + bad) }
                    $0.flips = bad / 3
                    $0.testDurationMs = good * 130
                }
            }
        }
    }

    func run(
        _ state: PBRun.State, _ name: String, _ counts: PBCounts, ago: Double, milliseconds: Int64, kind: PBRun.Kind = .upload,
        branch: String = "main"
    ) -> PBRun {
        .with {
            $0.id = "run_01jnexample00000000000\(1000 + Int(ago) % 9000)"
            $0.project = project.id
            $0.kind = kind
            $0.state = state
            $0.counts = counts
            $0.name = name.isEmpty ? "" : user(name)
            $0.branch = user(branch)
            $0.commitSha = user("9f2c41d07be2a6f0d1c3b4a5968778695a4b3c2d")
            $0.environment = kind == .suite ? user("staging") : ""
            $0.ci = .with {
                $0.name = user("GitHub Actions")
                $0.number = user("4182")
                $0.url = "https://github.com/acme/shop/actions/runs/4182"
                $0.message = user("Round the basket total once, at the end\n\nRounding each line lost a cent on 3 × 33.33.")
            }
            $0.tags = [user("os"): user("linux")]
            $0.triggeredBy = "key_01jnexample0000000000000009"
            $0.createdAt = time(ago)
            $0.startedAt = time(ago)
            if state.isOver { $0.finishedAt = time(ago - Double(milliseconds) / 1000) }
            $0.durationMs = milliseconds
            $0.testDurationMs = milliseconds * 3
            $0.version = 7
        }
    }

    var runs: PBListRunsResponse {
        .with {
            $0.data = [
                run(.running, "", counts(212, 3, 0, 4, 181), ago: 42, milliseconds: 42_000, branch: "feature/one-click-checkout"),
                run(.failed, "Nightly regression on the staging environment", counts(1_204, 7, 2, 31), ago: 5_400, milliseconds: 734_000),
                run(.passed, "", counts(1_213, 0, 0, 31), ago: 9_000, milliseconds: 701_230),
                run(.error, "API smoke", counts(3, 0, 1), ago: 30_000, milliseconds: 2_300, kind: .suite),
                run(.passed, "API smoke", counts(4), ago: 86_000, milliseconds: 1_870, kind: .suite),
                run(
                    .cancelled, "", counts(20, 0, 0, 0, 380), ago: 180_000, milliseconds: 12_000,
                    branch: "spike/very-long-branch-name-that-somebody-thought-was-a-good-idea"),
                run(.timedOut, "Load", counts(1, 0, 0, 0, 9), ago: 3_000_000, milliseconds: 3_600_000),
            ]
            $0.page = .with { $0.nextCursor = "cursor" }
        }
    }
}

extension PBRun.State {
    fileprivate var isOver: Bool { self != .running && self != .queued }
}
