import AnalyticsAPI
import Foundation
import GRPCCore
import Hummingbird
import Primitives
import ProjectsAPI
import ServiceKit
import SwiftProtobuf

/// The receipt of a change of level that is kept, of trends or of how long a test takes, with what people said of it: also of one that is gone, or
/// that no other page shows any more.
extension ReceiptPage {
    /// More days or executions than this are folded; there are up to 90 days and 500 executions.
    static let mostUnfolded = 14

    static func path(levelChange id: String) -> String { PageAddress.path("level-changes", id, "receipt") }

    static func showLevelChange(_ visit: Visit) async throws -> Response {
        let id = try visit.context.parameter("change")
        return try await visit.asking {
            let changes = PBLevelChanges.Client(wrapping: visit.upstream("analytics"))
            async let replay = Panel.load("What judging it once more comes to") { try await changes.replayLevelChange(.with { $0.change = id }) }
            async let said = Panel.load("What people said") {
                try await PBLevelChangeVerdicts.Client(wrapping: visit.upstream("analytics")).listLevelChangeVerdicts(
                    .with {
                        $0.change = id
                        $0.limit = WordsPanel.limit
                    })
            }
            let kept = try await changes.getLevelChange(.with { $0.change = id })
            async let name = testName(of: kept.change, visit)
            let project = await Panel.load("Projects") {
                try await PBProjects.Client(wrapping: visit.upstream("projects")).getProject(.with { $0.project = kept.change.project })
            }.content
            let text = LevelChangeText(kept.change, of: project?.slug ?? kept.change.project, testName: await name)
            let view = View(
                title: text.title, aboutPath: text.aboutPath, aboutLabel: text.aboutLabel,
                sections: [levelChange(kept, await replay, now: visit.now)],
                wordsPanel: WordsPanel(await said, ofLevelChange: kept.change.id, now: visit.now))
            let crumbs = project.map { ProjectHead.crumbs($0, ("Changes", LevelChangesPage.path($0)), "Receipt") }
            return page(visit, view, crumbs ?? [PageFrame.Crumb("Projects", "/")])
        }
    }

    /// What the test of a change is called now; `nil` of others, and where it cannot be had.
    private static func testName(of change: PBLevelChange, _ visit: Visit) async -> String? {
        guard change.dimension == .test else { return nil }
        return await Panel.load("The test") {
            try await PBTests.Client(wrapping: visit.upstream("analytics")).getTest(.with { $0.test = change.value })
        }.content?.name
    }

    static func levelChange(_ kept: PBLevelChangeReceipt, _ replay: Panel<PBLevelChangeReplay>, now: Date) -> Section {
        let change = kept.change
        func at(_ label: String, _ time: Google_Protobuf_Timestamp) -> StatFigure {
            let moment = Moment(time, now: now)
            return StatFigure(label, moment.absolute, unit: moment.relative)
        }
        var facts = [StatFigure("What changed", ChartMark(change).text), StatFigure("First day of the new level", change.day)]
        if !change.result.isEmpty { facts += [StatFigure("Its first execution", change.result), at("Executed", change.executedAt)] }
        if let commit = CommitText(change.commitSha) { facts.append(StatFigure("Commit", commit.short)) }
        facts += [StatFigure("Method", "edition \(change.edition)"), StatFigure("Hash of what it was found in", change.inputHash)]
        if let again = replay.content { facts.append(StatFigure("Hash of what is kept of that", again.inputHash)) }
        facts += [at("Found first", change.foundAt), at("Looked at", change.lookedAt)]
        facts.append(change.hasGoneAt ? at("Not found any more since", change.goneAt) : StatFigure("Not found any more", "no"))
        let lines = days(kept) + executions(kept)
        return Section(
            "Since when it goes differently", facts: facts, decided: Moment(change.lookedAt, now: now), agrees: replay.content?.agrees,
            instead: replay.content.map { instead($0, of: change) } ?? "", note: replay.note, lines: lines,
            fold: lines.isEmpty ? nil : Section.Fold(foundIn: foundIn(kept), isOpen: lines.count <= mostUnfolded))
    }

    private static func foundIn(_ kept: PBLevelChangeReceipt) -> String {
        kept.change.dimension == .test
            ? "Found in \(NumberText.counted(Int64(kept.executions.count), "execution")), oldest first"
            : "Found in \(NumberText.counted(Int64(kept.days.count), "day")), oldest first"
    }

    private static let beginning = ". The new level begins here."

    private static func days(_ kept: PBLevelChangeReceipt) -> [Section.Line] {
        kept.days.map { day in
            let counts = "\(NumberText.grouped(day.passed)) of \(NumberText.grouped(day.judged)) passed"
            let median = "median \(DurationText.of(microseconds: day.medianUs))"
            let figures = [day.hasJudged ? counts : nil, day.hasMedianUs ? median : nil]
            let told = figures.compactMap(\.self).joined(separator: ", ").nonEmpty ?? "nothing that counts"
            return Section.Line(text: "\(day.day): \(told)\(day.day == kept.change.day ? beginning : "")", path: nil)
        }
    }

    private static func executions(_ kept: PBLevelChangeReceipt) -> [Section.Line] {
        kept.executions.enumerated().map { index, execution in
            let took = "\(index + 1): \(DurationText.of(microseconds: execution.durationUs))"
            return Section.Line(text: took + (execution.result == kept.change.result ? beginning : ""), path: PageAddress.result(execution.result))
        }
    }

    /// What the same edition finds, where that is not the same.
    private static func instead(_ replay: PBLevelChangeReplay, of change: PBLevelChange) -> String {
        guard replay.hasBefore else { return "No such change would be found." }
        guard replay.inputHash == change.inputHash else { return "What is kept is not what it was found in." }
        var found = change
        (found.before, found.after) = (replay.before, replay.after)
        let since = replay.hasDay ? "since \(replay.day)" : "from another execution on"
        return "Found instead: \(ChartMark(found).text), \(since)."
    }
}
