import AnalyticsAPI
import CommonAPI
import ExecutionAPI
import Foundation
import GRPCCore
import Hummingbird
import Primitives
import ProjectsAPI
import ServiceKit
import SwiftProtobuf
import ValidationAPI

/// The receipts of what the machine decided about a failure, a pattern of logs, a test, an incident or a change of level: by what, on what, and what
/// the same on the same comes to when the page is opened. Looking changes nothing.
enum ReceiptPage {
    struct View: Sendable {
        let title: String
        let aboutPath: String
        let aboutLabel: String
        let sections: [Section]
        /// What people said, of what has no other page that tells it.
        var wordsPanel: WordsPanel?
    }

    /// One decision.
    struct Section: Sendable {
        struct Line: Sendable {
            let text: String
            let path: String?
        }

        /// What the lines are under, where there can be many.
        struct Fold: Sendable {
            let foundIn: String
            let isOpen: Bool
        }

        let title: String
        let facts: [StatFigure]
        let hasFacts: Bool
        let decided: Moment?
        /// What judging it once more came to; `nil` where that could not be done, for which there is a note.
        let outcome: String?
        let agrees: Bool
        let note: String?
        /// What tells why.
        let lines: [Line]
        let hasLines: Bool
        let fold: Fold?

        init(
            _ title: String, facts: [StatFigure], decided: Moment? = nil, agrees: Bool?, instead: String = "", note: String? = nil,
            lines: [Line] = [], fold: Fold? = nil
        ) {
            self.title = title
            self.facts = facts
            hasFacts = !facts.isEmpty
            self.decided = decided
            self.agrees = agrees ?? false
            outcome = agrees.map {
                $0 ? "Judged once more just now, it comes to the same." : "Judged once more just now, it does not come to the same. \(instead)"
            }
            self.note = note
            self.lines = lines
            hasLines = !lines.isEmpty
            self.fold = fold
        }
    }

    static func path(result: String) -> String { PageAddress.path("results", result, "receipt") }
    static func path(test: String) -> String { PageAddress.path("tests", test, "receipt") }
    static func path(pattern: String, of project: String) -> String { PageAddress.path("projects", project, "logs", pattern, "receipt") }
    static func path(incident: String, of project: PBProject) -> String {
        PageAddress.path("projects", project.slug, "incidents", incident, "receipt")
    }

    // MARK: - A failure

    static func showResult(_ visit: Visit) async throws -> Response {
        let id = try visit.context.parameter("result")
        return try await visit.asking {
            let verdicts = PBVerdicts.Client(wrapping: visit.upstream("validation"))
            async let replay = Panel.load("What judging it once more comes to") { try await verdicts.replayFailure(.with { $0.result = id }) }
            async let group = Panel.load("Groups") {
                try await PBFailureGroups.Client(wrapping: visit.upstream("validation")).replayFailureGroup(.with { $0.result = id })
            }
            async let result = PBResults.Client(wrapping: visit.upstream("execution")).getResult(.with { $0.result = id })
            let receipt = try await verdicts.getReceipt(.with { $0.result = id })
            let name = try await result.name.shortened(to: 300)
            let found = await group
            let view = View(
                title: name, aboutPath: PageAddress.result(id), aboutLabel: "The failure",
                sections: [category(receipt, await replay, now: visit.now), self.group(found)] + state(found, now: visit.now))
            return page(visit, view, [PageFrame.Crumb("Projects", "/"), PageFrame.Crumb(name, PageAddress.result(id))])
        }
    }

    static func category(_ receipt: PBReceipt, _ replay: Panel<PBReplay>, now: Date) -> Section {
        let again = replay.content
        return Section(
            "Category",
            facts: [
                StatFigure("Category", JudgementText.category(receipt.category), unit: "\(JudgementText.severity(receipt.severity).label) severity"),
                StatFigure("Rule", receipt.rule), StatFigure("Rules of everybody", "edition \(receipt.builtInEdition)"),
                StatFigure("Rules of the project", receipt.projectEdition > 0 ? "edition \(receipt.projectEdition)" : "none asked"),
                StatFigure("Lessons of people", receipt.lessonsEdition > 0 ? "edition \(receipt.lessonsEdition)" : "none asked"),
                StatFigure("SHA-256 of what it saw", hash(receipt.inputSha256)),
            ], decided: receipt.hasJudgedAt ? Moment(receipt.judgedAt, now: now) : nil, agrees: again?.agrees,
            instead: again.map { "It would be \(JudgementText.category($0.category)) by \($0.rule)." } ?? "", note: replay.note,
            lines: (receipt.evidence.nonEmpty.map { [.init(text: $0.withoutTerminalColours.shortened(to: 500), path: nil)] } ?? [])
                + (LearnedFrom(receipt)?.neighbours.map { .init(text: "\($0.category), \($0.alike)", path: $0.path) } ?? []))
    }

    static func group(_ replay: Panel<PBFailureGroupReplay>) -> Section {
        guard let found = replay.content else { return Section("Failure group", facts: [], agrees: nil, note: replay.note) }
        return Section(
            "Failure group",
            facts: [
                StatFigure("Signed as", found.signedAs), StatFigure("Signed again as", found.signedAgain),
                StatFigure("Group", found.group.nonEmpty ?? "not known any more"), StatFigure("Found again", found.groupAgain.nonEmpty ?? "none"),
                StatFigure("Way of signing and grouping", "edition \(found.edition)"),
                StatFigure("SHA-256 of what was signed", hash(found.inputSha256)),
            ], agrees: found.agrees, instead: found.detail,
            lines: found.merges.map { .init(text: $0.detail.withoutTerminalColours.shortened(to: 500), path: nil) })
    }

    // MARK: - A pattern of logs

    static func showLogPattern(_ visit: Visit) async throws -> Response {
        let id = try visit.context.parameter("pattern")
        return try await visit.asking {
            let project = try await ProjectHead.project(visit)
            async let replay = Panel.load("What judging it once more comes to") {
                try await PBLogPatternVerdicts.Client(wrapping: visit.upstream("validation")).replayLogPattern(
                    .with {
                        $0.project = project.id
                        $0.pattern = id
                    })
            }
            let pattern = try await PBLogPatterns.Client(wrapping: visit.upstream("validation")).getLogPattern(
                .with {
                    $0.project = project.id
                    $0.pattern = id
                }
            ).pattern
            let path = LogPatternPage.path(project.slug, id)
            let view = View(
                title: pattern.template.withoutTerminalColours.nonEmpty?.shortened(to: 120) ?? "No words", aboutPath: path,
                aboutLabel: "The log pattern", sections: [logPattern(pattern, await replay, now: visit.now)])
            return page(visit, view, ProjectHead.crumbs(project, (view.title, path), "Receipt"))
        }
    }

    static func logPattern(_ pattern: PBLogPattern, _ replay: Panel<PBLogReplay>, now: Date) -> Section {
        let receipt = pattern.receipt
        guard pattern.hasReceipt else { return Section("Category", facts: [], agrees: nil, note: replay.note ?? LogReason.note(pattern)) }
        return Section(
            "Category",
            facts: [
                StatFigure(
                    "Category", JudgementText.category(receipt.category),
                    unit: receipt.rule.isEmpty ? nil : "\(JudgementText.severity(receipt.severity).label) severity"),
                StatFigure("Rule", receipt.rule.nonEmpty ?? "none asked"), StatFigure("Rules of everybody", "edition \(receipt.builtInEdition)"),
                StatFigure("Rules of the project", receipt.projectEdition > 0 ? "edition \(receipt.projectEdition)" : "none asked"),
                StatFigure("SHA-256 of what it saw", hash(receipt.inputSha256)),
            ], decided: Moment(receipt.judgedAt, now: now), agrees: replay.content?.agrees,
            instead: replay.content.map { "It would be \(JudgementText.category($0.category)) by \($0.rule.nonEmpty ?? "no rule")." } ?? "",
            note: replay.note,
            lines: receipt.evidence.nonEmpty.map { [.init(text: $0.withoutTerminalColours.shortened(to: 500), path: nil)] } ?? [])
    }

    // MARK: - A test

    static func showTest(_ visit: Visit) async throws -> Response {
        let id = try visit.context.parameter("test")
        return try await visit.asking {
            async let replay = Panel.load("What judging it once more comes to") {
                try await PBTestVerdicts.Client(wrapping: visit.upstream("analytics")).replayTestStability(.with { $0.test = id })
            }
            let test = try await PBTests.Client(wrapping: visit.upstream("analytics")).getTest(.with { $0.test = id })
            let name = test.name.shortened(to: 300)
            let view = View(title: name, aboutPath: PageAddress.test(id), aboutLabel: "The test", sections: [stability(await replay)])
            return page(visit, view, [PageFrame.Crumb("Projects", "/"), PageFrame.Crumb(name, PageAddress.test(id))])
        }
    }

    static func stability(_ replay: Panel<PBStabilityReplay>) -> Section {
        guard let found = replay.content else { return Section("Whether it can be relied on", facts: [], agrees: nil, note: replay.note) }
        let receipt = found.receipt
        let judged = receipt.stability
        let again = StabilityText(found.stability)
        return Section(
            "Whether it can be relied on",
            facts: [
                StatFigure("Verdict", Badge(judged.kind).label, unit: StabilityText(judged).confidence),
                StatFigure("Model", "edition \(receipt.model)"),
                StatFigure("Hash of what was remembered", receipt.inputHash), StatFigure("Hash of what is remembered now", found.inputHash),
            ], agrees: found.agrees, instead: "It would be \(again.badge.label), \(again.confidence).",
            lines: found.reasons.map { .init(text: $0.detail.shortened(to: 500), path: nil) })
    }

    // MARK: - An incident

    static func showIncident(_ visit: Visit) async throws -> Response {
        let id = try visit.context.parameter("incident")
        return try await visit.asking {
            let project = try await ProjectHead.project(visit)
            let incident = try await IncidentPage.get(id, of: project, visit)
            let replay = await Panel.load("What judging it once more comes to") {
                try await PBEnvironmentIncidents.Client(wrapping: visit.upstream("analytics")).replayEnvironmentIncident(.with { $0.incident = id })
            }
            let path = PageAddress.path("projects", project.slug, "incidents", id)
            let view = View(
                title: IncidentText.place(incident), aboutPath: path, aboutLabel: "The incident",
                sections: [self.incident(incident.evidence, replay, now: visit.now)])
            return page(visit, view, ProjectHead.crumbs(project, (view.title, path), "Receipt"))
        }
    }

    static func incident(_ evidence: PBEnvironmentEvidence, _ replay: Panel<PBEnvironmentReplay>, now: Date) -> Section {
        let kept = replay.content?.receipt ?? evidence
        return Section(
            "Whether it was the environment",
            facts: [
                StatFigure(
                    "\(IncidentText.unit(kept).capitalized) that failed here", NumberText.grouped(Int64(kept.there)), unit: "of \(kept.compared)"),
                StatFigure("Expected by chance", IncidentText.expected(kept)), StatFigure("Odds of that", IncidentText.odds(kept)),
                StatFigure("Places that share the error", NumberText.grouped(kept.tried)), StatFigure("Method", "edition \(kept.edition)"),
                StatFigure("Hash of what was looked at", kept.inputHash), StatFigure("Hash of these numbers", kept.numbersHash),
            ], decided: kept.hasLookedAt ? Moment(kept.lookedAt, now: now) : nil, agrees: replay.content?.agrees,
            instead: replay.content.map {
                $0.moreThanChance ? "It would still be more than chance, by other numbers." : "It would be put down to chance."
            } ?? "", note: replay.note)
    }

    // MARK: - Words

    static func hash(_ text: String) -> String { text.nonEmpty.map { "\($0.prefix(16))…" } ?? "not kept" }

    static func page(_ visit: Visit, _ view: View, _ crumbs: [PageFrame.Crumb]) -> Response {
        let last = crumbs.last?.path == nil ? [] : [PageFrame.Crumb("Receipt")]
        return visit.page(.receipt, "Receipt of \(view.title)", crumbs: crumbs + last, view)
    }
}
