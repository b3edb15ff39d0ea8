import CommonAPI
import Foundation
import GRPCCore
import Hummingbird
import Primitives
import ProjectsAPI
import ServiceKit
import SwiftProtobuf
import ValidationAPI

/// One pattern of a project's logs: what its lines say, on which days, and in which runs; why they are of their category, and what people say of
/// that.
enum LogPatternPage {
    /// Days that are drawn: as many as a pattern is remembered.
    static let days = 90

    struct View: Sendable {
        let badge: Badge?
        let title: String
        let template: String?
        let sample: String?
        let firstSeen: Moment
        let lastSeen: Moment
        /// The logs of the run that it was seen in last.
        let lastRunPath: String
        let stats: [StatFigure]
        let chart: OccurrenceChart?
        let runs: [Row]
        let hasRuns: Bool
        let reason: LogReason?
        let reasonNote: String?
        /// `nil` while it cannot be had.
        let person: LogVerdictPanel?
        let receiptPath: String?

        /// - Parameter project: its slug.
        init(_ history: PBLogPatternHistory, of project: String, rules: [PBRule] = [], person: LogVerdictPanel? = nil, now: Date) {
            let pattern = history.pattern
            badge = LogPatternText.level(pattern.level)
            template = pattern.template.withoutTerminalColours.nonEmpty?.shortened(to: LogPatternText.sample)
            title = template?.shortened(to: 120) ?? "No words"
            sample = pattern.sample.withoutTerminalColours.nonEmpty?.shortened(to: LogPatternText.sample)
            firstSeen = Moment(pattern.firstSeenAt, now: now)
            lastSeen = Moment(pattern.lastSeenAt, now: now)
            lastRunPath = RunLogsPage.path(pattern.lastRun)
            let category = LogPatternText.category(pattern.category)
            stats =
                [
                    StatFigure("Lines", NumberText.grouped(pattern.lines)), StatFigure("Runs", NumberText.grouped(pattern.runs)),
                    StatFigure("Days", NumberText.grouped(Int64(history.days.count)), unit: "of the last \(LogPatternPage.days)"),
                ] + (category.map { [StatFigure("Category", $0)] } ?? [])
            chart = OccurrenceChart(history.days, css: (badge ?? .unknown).css, now: now)
            runs = history.recentRuns.map { Row($0, now: now) }
            hasRuns = !runs.isEmpty
            reason = LogReason(pattern, of: project, rules: rules)
            reasonNote = reason == nil ? LogReason.note(pattern) : nil
            self.person = person
            receiptPath = pattern.hasReceipt ? ReceiptPage.path(pattern: pattern.id, of: project) : nil
        }
    }

    /// A run whose logs have it.
    struct Row: Sendable {
        /// Its logs.
        let path: String
        /// The end of the run's id, by which runs without a name go.
        let run: String
        let branch: String?
        let lines: String
        let started: Moment

        init(_ run: PBLogPatternRun, now: Date) {
            path = RunLogsPage.path(run.run)
            self.run = "Run " + run.run.suffix(6)
            branch = run.branch.nonEmpty?.shortened(to: 100)
            lines = NumberText.grouped(run.lines)
            started = Moment(run.startedAt, now: now)
        }
    }

    static func path(_ project: String, _ pattern: String) -> String { PageAddress.path("projects", project, "logs", pattern) }

    static func show(_ visit: Visit) async throws -> Response { try await page(visit) }

    private static func page(_ visit: Visit, _ attempt: (fields: [String: String], fault: Fault)? = nil) async throws -> Response {
        let id = try visit.context.parameter("pattern")
        let (project, view) = try await visit.asking {
            let project = try await ProjectHead.project(visit)
            async let verdict = Panel.load("What people say of it") {
                try await verdicts(visit).getLogPatternVerdict(
                    .with {
                        $0.project = project.id
                        $0.pattern = id
                    })
            }
            async let rules = Panel.load("Rules") {
                try await PBFailures.Client(wrapping: visit.upstream("validation")).listRules(PBListRulesRequest())
            }
            let history = try await PBLogPatterns.Client(wrapping: visit.upstream("validation")).getLogPattern(
                .with {
                    $0.project = project.id
                    $0.pattern = id
                })
            let mayJudge = visit.may(TriagePage.permission, in: project)
            let person = await verdict.content.map {
                LogVerdictPanel($0, of: project.slug, canWrite: mayJudge, attempt: attempt, now: visit.now)
            }
            let view = View(history, of: project.slug, rules: await rules.content?.data ?? [], person: person, now: visit.now)
            return (project, view)
        }
        let crumbs = ProjectHead.crumbs(project, ("Logs", LogPatternsPage.path(project.slug)), view.title)
        return visit.page(.logPattern, view.title, crumbs: crumbs, status: attempt.map { Problem.status(of: $0.fault) } ?? .ok, view)
    }

    private static func verdicts(_ visit: Visit) -> PBLogPatternVerdicts.Client<ServiceTransport> {
        PBLogPatternVerdicts.Client(wrapping: visit.upstream("validation"))
    }

    /// Overrules the machine, or gives the pattern back to it.
    static func decide(_ visit: Visit) async throws -> Response {
        let fields = try await visit.form()
        let id = try visit.context.parameter("pattern")
        do {
            let project = try await visit.asking {
                let project = try await ProjectHead.project(visit)
                if fields["action"] == "give_back" {
                    _ = try await verdicts(visit).deleteLogPatternVerdict(
                        .with {
                            $0.project = project.id
                            $0.pattern = id
                            $0.version = Visit.version(fields)
                        })
                } else {
                    _ = try await verdicts(visit).putLogPatternVerdict(
                        .with {
                            $0.project = project.id
                            $0.pattern = id
                            $0.category = LogVerdictPanel.category(fields)
                            $0.reason = String((fields["reason"] ?? "").trimmed)
                            $0.version = Visit.version(fields)
                        })
                }
                return project
            }
            return visit.redirect(to: path(project.slug, id))
        } catch let fault as Fault where fault.isRefusal {
            return try await page(visit, (fields, fault))
        }
    }
}

extension OccurrenceChart {
    /// - Parameter seen: the days on which it was; those between are drawn too, up to today.
    fileprivate init?(_ seen: [PBLogPatternDay], css: String, now: Date) {
        let lines = Dictionary(seen.map { ($0.day, $0.lines) }) { $1 }
        let days = (0..<LogPatternPage.days).reversed().map { ago in
            let name = Self.day(now.addingTimeInterval(-86_400 * Double(ago)))
            let count = lines[name] ?? 0
            return Day(name: name, count: count, words: LogPatternText.lines(count))
        }
        self.init(days, of: "Lines", css: css)
    }
}
