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

/// One test over all its runs.
enum TestPage {
    static let limit: Int32 = 50

    struct View: Sendable {
        let badge: Badge
        let name: String
        let place: String?
        let firstSeen: Moment
        let lastSeen: Moment
        let stats: [StatFigure]
        let stability: StabilityPanel?
        let stabilityNote: String?
        let person: TestVerdictPanel?
        let said: WordsPanel?
        let retries: RetryWordPanel?
        let retryWords: WordsPanel?
        let history: HistoryStrip?
        let historyNote: String?
        let rows: [Row]
        let hasRows: Bool
        let pager: Pager?
        let exports: ExportLinks?
        let testTrend: TestTrendPanel
        /// Where the changes of its durations are that were found before, those that are gone among them.
        let foundPath: String
        let quarantine: QuarantineNote?

        init(
            _ test: PBTest, history: Panel<PBListHistoryResponse>, stability: Panel<PBTestStability>, person: TestVerdictPanel?, said: WordsPanel?,
            retries: RetryWordPanel?, retryWords: WordsPanel?, pager: Pager?, quarantine: QuarantineNote?, trend: TestTrendPanel, now: Date
        ) {
            badge = Badge(test.lastOutcome)
            name = test.name
            place = TestPlace.of(suite: test.suiteName, className: test.className)
            firstSeen = Moment(test.firstSeenAt, now: now)
            lastSeen = Moment(test.lastSeenAt, now: now)
            let judged = test.counts.passed + test.counts.bad
            stats = [
                StatFigure("Executions", NumberText.grouped(test.counts.total)),
                StatFigure("Pass rate", judged == 0 ? "–" : NumberText.percent(Double(test.counts.passed) / Double(judged))),
                StatFigure("Failed or errored", NumberText.grouped(test.counts.bad)),
                StatFigure("Flips", NumberText.grouped(test.flips)),
                StatFigure("Mean duration", test.hasMeanDurationUs ? DurationText.of(microseconds: test.meanDurationUs) : "–"),
            ]
            self.stability = stability.content.map { StabilityPanel($0, now: now) }
            stabilityNote = stability.note
            self.person = person
            self.said = said
            self.retries = retries
            self.retryWords = retryWords
            let executions = history.content?.data ?? []
            self.history = executions.isEmpty ? nil : HistoryStrip(newestFirst: executions, now: now)
            historyNote = history.note ?? (executions.isEmpty ? "No execution has been counted yet." : nil)
            rows = executions.enumerated().map { index, execution in
                // Branches fail each for themselves: what went before on another says nothing.
                Row(execution, before: executions[(index + 1)...].first { $0.branch == execution.branch }, now: now)
            }
            hasRows = !rows.isEmpty
            self.pager = pager
            exports = rows.isEmpty ? nil : ExportLinks(PageAddress.path("tests", test.id, "history"))
            testTrend = trend
            foundPath = LevelChangesPage.path(of: test.project, LevelChangesPage.Filter(by: "TEST", value: test.id))
            self.quarantine = quarantine
        }
    }

    /// The verdict on the test, and why.
    struct StabilityPanel: Sendable {
        let verdict: StabilityText
        let reasons: [Reason]
        let lines: [String]
        let receiptPath: String

        struct Reason: Sendable {
            let text: String
            let since: Moment?
            let commit: CommitText?
        }

        init(_ stability: PBTestStability, now: Date) {
            receiptPath = ReceiptPage.path(test: stability.test.id)
            verdict = StabilityText(stability.stability)
            reasons = stability.reasons.map { reason in
                Reason(
                    text: reason.detail.shortened(to: 500), since: reason.hasSince ? Moment(reason.since, now: now) : nil,
                    commit: CommitText(reason.commitSha))
            }
            lines = stability.lines.map { line in
                let place = [line.branch.nonEmpty ?? "no branch", line.environment.nonEmpty].compactMap(\.self).joined(separator: ", ")
                return "\(place.shortened(to: 200)) (\(NumberText.counted(line.results, "result")))"
            }
        }
    }

    struct Row: Sendable {
        let path: String
        let runPath: String
        let badge: Badge
        /// The outcome changed between passing and not passing.
        let isFlip: Bool
        let executed: Moment
        let branch: String?
        let commit: CommitText?
        let duration: String

        init(_ execution: PBTestExecution, before: PBTestExecution?, now: Date) {
            path = PageAddress.result(execution.result)
            runPath = PageAddress.run(execution.run)
            badge = Badge(execution.outcome)
            isFlip = before.map { Self.isBad($0).flatMap { bad in Self.isBad(execution).map { $0 != bad } } ?? false } ?? false
            executed = Moment(execution.executedAt, now: now)
            branch = execution.branch.nonEmpty?.shortened(to: 200)
            commit = CommitText(execution.commitSha)
            duration = execution.hasDurationUs ? DurationText.of(microseconds: execution.durationUs) : "–"
        }

        /// `nil` for what says nothing either way.
        private static func isBad(_ execution: PBTestExecution) -> Bool? {
            switch execution.outcome {
            case .passed: false
            case .failed, .errored: true
            case .skipped, .outcomeUnspecified, .UNRECOGNIZED: nil
            }
        }
    }

    static func history(_ visit: Visit, test: String, limit: Int32, cursor: String = "") async throws -> PBListHistoryResponse {
        try await PBTests.Client(wrapping: visit.upstream("analytics")).listHistory(
            .with {
                $0.test = test
                $0.limit = limit
                $0.cursor = cursor
            })
    }

    static func show(_ visit: Visit) async throws -> Response { try await page(visit) }

    /// - Parameters:
    ///   - attempt: a verdict that was not taken.
    ///   - word: a word on trying the test again that was not taken.
    ///   - change: a word on a change of how long it takes that was not taken.
    private static func page(
        _ visit: Visit, _ attempt: (fields: [String: String], fault: Fault)? = nil, word: RetryWordForm.Attempt? = nil,
        change: TrendChangeRow.Attempt? = nil
    ) async throws -> Response {
        let fault = attempt?.fault ?? word?.fault ?? change?.fault
        let id = try visit.context.parameter("test")
        let filter = TestTrendPanel.Filter(period: try change?.fields["period"] ?? visit.context.query("period"))
        let cursor = fault == nil ? try visit.cursor(filter: filter.query) : ""
        let (project, view) = try await visit.asking {
            async let history = Panel.load("Executions") { try await Self.history(visit, test: id, limit: limit, cursor: cursor) }
            async let stability = Panel.load("The verdict on this test") {
                try await PBStabilities.Client(wrapping: visit.upstream("analytics")).getTestStability(.with { $0.test = id })
            }
            async let verdict = Panel.load("What people say of it") { try await verdicts(visit).getTestVerdict(.with { $0.test = id }) }
            async let words = Panel.load("What people said") {
                try await verdicts(visit).listTestVerdicts(
                    .with {
                        $0.test = id
                        $0.limit = WordsPanel.limit
                    })
            }
            async let trend = Panel.load("Trends") {
                try await PBTestTrends.Client(wrapping: visit.upstream("analytics")).getTestTrend(
                    .with {
                        $0.test = id
                        $0.days = filter.days
                        $0.period = filter.period
                    })
            }
            async let durations = Panel.load("Durations") {
                try await PBTestDurations.Client(wrapping: visit.upstream("analytics")).getTestDurations(.with { $0.test = id })
            }
            let test = try await PBTests.Client(wrapping: visit.upstream("analytics")).getTest(.with { $0.test = id })
            async let retryWord = Panel.load("What people say of trying it again") {
                try await retryWords(visit).getRetryWord(
                    .with {
                        $0.project = test.project
                        $0.test = id
                    })
            }
            async let retrySaid = Panel.load("What people said of trying it again") {
                try await retryWords(visit).listRetryWords(
                    .with {
                        $0.project = test.project
                        $0.test = id
                        $0.limit = WordsPanel.limit
                    })
            }
            let project = await Panel.load("Projects") {
                try await PBProjects.Client(wrapping: visit.upstream("projects")).getProject(.with { $0.project = test.project })
            }
            var (quarantine, mayJudge, maySay): (QuarantineNote?, Bool, Bool) = (nil, false, false)
            if let project = project.content {
                let standing = try? await QuarantinedTestPage.standing(id, of: project, visit)
                quarantine = QuarantineNote(standing, of: id, in: project, canWrite: visit.may(QuarantinePage.permission, in: project))
                mayJudge = visit.may(TriagePage.permission, in: project)
                maySay = visit.may(RetryPlanPage.permission, in: project)
            }
            let person = await verdict.content.map { TestVerdictPanel($0, canWrite: mayJudge, attempt: attempt, now: visit.now) }
            let retries = RetryWordPanel(await retryWord, on: id, canSay: maySay, attempt: word, now: visit.now)
            let listed = await history
            let next = fault == nil ? listed.content?.page.nextCursor ?? "" : ""
            let view = View(
                test, history: listed, stability: await stability, person: person, said: WordsPanel(await words, ofTest: test.id, now: visit.now),
                retries: retries, retryWords: WordsPanel(await retrySaid, ofRetrying: id, in: test.project, now: visit.now),
                pager: try visit.pager(next: next, filter: filter.query, fragment: "history"), quarantine: quarantine,
                trend: TestTrendPanel(
                    await trend, durations: await durations, of: test.id, filter: filter, canJudge: mayJudge, attempt: change, now: visit.now),
                now: visit.now)
            return (project.content, view)
        }
        let crumbs = project.map { ProjectHead.crumbs($0, view.name) } ?? [PageFrame.Crumb("Projects", "/"), PageFrame.Crumb(view.name)]
        let status = fault.map { Problem.status(of: $0) } ?? .ok
        return visit.page(
            .test, view.name, crumbs: crumbs, scripts: [visit.site.assets.paths.chart, visit.site.assets.paths.trend].compactMap(\.self),
            status: status, view)
    }

    private static func verdicts(_ visit: Visit) -> PBTestVerdicts.Client<ServiceTransport> {
        PBTestVerdicts.Client(wrapping: visit.upstream("analytics"))
    }

    private static func retryWords(_ visit: Visit) -> PBRetryWords.Client<ServiceTransport> {
        PBRetryWords.Client(wrapping: visit.upstream("execution"))
    }

    /// Overrules the machine, or gives the test back to it.
    static func decide(_ visit: Visit) async throws -> Response {
        let fields = try await visit.form()
        let id = try visit.context.parameter("test")
        do {
            try await visit.asking {
                if fields["action"] == "give_back" {
                    _ = try await verdicts(visit).deleteTestVerdict(
                        .with {
                            $0.test = id
                            $0.version = Visit.version(fields)
                        })
                } else {
                    _ = try await verdicts(visit).putTestVerdict(
                        .with {
                            $0.test = id
                            $0.kind = TestVerdictPanel.kind(fields)
                            $0.reason = String((fields["reason"] ?? "").trimmed)
                            $0.version = Visit.version(fields)
                        })
                }
            }
            return visit.redirect(to: PageAddress.test(id))
        } catch let fault as Fault where fault.isRefusal {
            return try await page(visit, (fields, fault))
        }
    }

    /// Says whether the test is tried again, or leaves it to the rules.
    static func say(_ visit: Visit) async throws -> Response {
        let fields = try await visit.form()
        let id = try visit.context.parameter("test")
        do {
            try await visit.asking {
                let test = try await PBTests.Client(wrapping: visit.upstream("analytics")).getTest(.with { $0.test = id })
                try await RetryWordForm.say(fields, on: id, of: test.project, visit)
            }
            return visit.redirect(to: PageAddress.test(id))
        } catch let fault as Fault where fault.isRefusal {
            return try await page(visit, word: RetryWordForm.Attempt(test: id, fields: fields, fault: fault))
        }
    }

    /// Dismisses a change of how long the test takes, or confirms it, or takes back what was said last.
    static func decideChange(_ visit: Visit) async throws -> Response {
        let fields = try await visit.form()
        let id = try visit.context.parameter("test")
        let change = try visit.context.parameter("change")
        do {
            try await visit.asking { try await TrendChangeRow.say(fields, of: change, visit) }
            let filter = TestTrendPanel.Filter(period: fields["period"])
            return visit.redirect(to: PageAddress.of(PageAddress.test(id), filter.query, fragment: TestTrendPanel.fragment))
        } catch let fault as Fault where fault.isRefusal {
            return try await page(visit, change: TrendChangeRow.Attempt(change: change, fields: fields, fault: fault))
        }
    }
}
