import AnalyticsAPI
import CommonAPI
import Foundation
import ProjectsAPI
import SwiftProtobuf

@testable import GatewayService

/// The pages of changes of level that are kept.
extension PageGallery {
    var levels: [(name: String, html: String)] {
        let f = fixtures
        let (test, suite) = (f.levelReceipt(.test), f.levelReceipt(.suite))
        let same = PBLevelChangeReplay.with { ($0.inputHash, $0.agrees) = (test.change.inputHash, true) }
        let other = PBLevelChangeReplay.with {
            ($0.inputHash, $0.agrees, $0.day, $0.before, $0.after) = (suite.change.inputHash, false, "2026-02-15", 0.98, 0.91)
        }
        return [
            (
                "level-changes",
                html(
                    .levelChanges, title: "Changes", crumbs: ProjectHead.crumbs(f.project, ("Trends", TrendsPage.path(f.project)), "Changes"),
                    LevelChangesPage.View(
                        project: f.project, changes: .content(.with { $0.data = [test.change, f.dismissedLevel, suite.change] }),
                        filter: .init(by: "SUITE", value: f.user("checkout")), pager: Pager(first: nil, next: "/projects/checkout?cursor=abc"),
                        now: f.now))
            ),
            ("receipt-level-change", receipt(test, .content(same), said: .content(f.levelWords))),
            ("receipt-level-change-gone", receipt(suite, .content(other))),
        ]
    }

    var levelsBesides: [(name: String, html: String)] {
        let f = fixtures
        func list(_ changes: Panel<PBListLevelChangesResponse>) -> String {
            html(
                .levelChanges, title: "Changes", crumbs: ProjectHead.crumbs(f.project, "Changes"),
                LevelChangesPage.View(project: f.project, changes: changes, filter: .init(by: nil, value: nil), pager: nil, now: f.now))
        }
        let lacking = receipt(f.levelReceipt(.test), .note("This release does not have edition 7 of the method."), said: .note("Not now."))
        return [
            ("level-changes-empty", list(.content(.init()))), ("level-changes-away", list(.note("Changes of level cannot be shown."))),
            ("receipt-level-change-lacking", lacking),
        ]
    }

    private func receipt(
        _ kept: PBLevelChangeReceipt, _ replay: Panel<PBLevelChangeReplay>, said: Panel<PBListLevelChangeVerdictsResponse> = .content(.init())
    ) -> String {
        let f = fixtures
        let text = LevelChangeText(kept.change, of: f.project.slug, testName: f.user("adds up"))
        let view = ReceiptPage.View(
            title: text.title, aboutPath: text.aboutPath, aboutLabel: text.aboutLabel,
            sections: [ReceiptPage.levelChange(kept, replay, now: f.now)],
            wordsPanel: WordsPanel(said, ofLevelChange: kept.change.id, now: f.now))
        let crumbs = ProjectHead.crumbs(f.project, ("Changes", LevelChangesPage.path(f.project)), "Receipt")
        return html(.receipt, title: "Receipt", crumbs: crumbs, view)
    }
}

/// What Analytics would say of changes of level that are kept.
extension PageFixtures {
    /// - Parameter dimension: of a single test or, gone since, of a part of the project.
    func levelReceipt(_ dimension: PBTrendDimension.Value) -> PBLevelChangeReceipt {
        .with {
            $0.change = dimension == .test ? testLevel : partLevel(dimension)
            if dimension == .test {
                $0.executions = (0..<120).map { index in
                    .with { ($0.result, $0.durationUs) = ("res_\(index)", index < 70 ? 12_000 + Int64(index) : 19_000 - Int64(index)) }
                }
            } else {
                $0.days = (10..<20).map { day in
                    .with {
                        $0.day = "2026-02-\(day)"
                        if day != 12 { ($0.passed, $0.judged) = (day < 14 ? 980 : 900, 1_000) }
                        if day != 12, day != 13 { $0.medianUs = 12_000 }
                    }
                }
            }
        }
    }

    private var testLevel: PBLevelChange {
        .with {
            ($0.id, $0.project, $0.dimension, $0.value) = ("tch_4", project.id, .test, "tst_1")
            ($0.figure, $0.day, $0.before, $0.after) = (.duration, "2026-02-27", 12_000, 19_000)
            ($0.branch, $0.result, $0.commitSha, $0.testName) = (user("main"), "res_70", user("9f2c41d07be2a6f0d1c3"), user("adds up"))
            ($0.edition, $0.inputHash) = (1, "0f1e2d3c4b5a6978")
            ($0.executedAt, $0.foundAt, $0.lookedAt) = (time(200_000), time(100_000), time(3_600))
        }
    }

    private func partLevel(_ dimension: PBTrendDimension.Value) -> PBLevelChange {
        .with {
            ($0.id, $0.project, $0.dimension, $0.value) = ("tch_1", project.id, dimension, user("checkout"))
            ($0.figure, $0.day, $0.before, $0.after) = (.passRate, "2026-02-14", 0.98, 0.9)
            ($0.edition, $0.inputHash) = (1, "a1b2c3d4e5f60718")
            ($0.foundAt, $0.lookedAt, $0.goneAt) = (time(900_000), time(200_000), time(100_000))
        }
    }

    /// Of the whole project, and still found.
    var dismissedLevel: PBLevelChange {
        var change = partLevel(.dimensionUnspecified)
        change.value = ""
        change.clearGoneAt()
        change.verdict = levelVerdict
        return change
    }

    /// Dismissed, taken back before that, and confirmed without a word at first.
    var levelWords: PBListLevelChangeVerdictsResponse {
        let others: [PBLevelChangeVerdict] = [PBLevelChangeVerdict.Kind.unspecified, .confirmed].map { kind in
            .with { ($0.change, $0.kind, $0.decidedBy, $0.decidedAt) = ("tch_1", kind, user("usr_2"), time(9_000)) }
        }
        return .with { $0.data = [levelVerdict] + others }
    }
}
