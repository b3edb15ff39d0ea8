import CommonAPI
import ExecutionAPI
import Foundation
import SwiftProtobuf
import ValidationAPI

/// What the page of a run shows.
struct RunView: Sendable {
    let path: String
    let badge: Badge
    /// Of what does not count: a fork's or a pull request's.
    let lane: Badge?
    let title: String
    let kind: String
    /// Address of the run's events while more may come; `nil` for what is over and judged.
    let events: String?
    let isLive: Bool
    /// Of a suite that is under way. What a CI uploads only the CI can stop.
    let cancelPath: String?
    let comparePath: String
    let regressionsPath: String
    let logsPath: String
    /// Where it is said that all of its failures were the environment's; for who may.
    let declarePath: String?
    /// For who may propose it as a baseline, once it is fit for one.
    let proposal: BaselineProposal?
    let branch: String?
    let commit: CommitText?
    let environment: String?
    let ciLabel: String?
    let ciURL: String?
    let ciMessage: String?
    let started: Moment?
    let duration: String
    let testDuration: String?
    let triggeredBy: String?
    let tags: [String]
    let isIncomplete: Bool
    let counts: CountsBar
    let progress: String

    let failureCount: String?
    let failureNote: String?
    let excuse: RunExcuse?
    /// Of what was uploaded, where something fails: our own workers try by themselves.
    let retryPlanPath: String?
    let groups: [FailureGroup]

    let chips: [Choice]
    let outcomeFilter: String?
    let searchFilter: String
    let results: [ResultRow]
    let hasResults: Bool
    let resultsNote: String?
    let pager: Pager?
    /// Absent where there is nothing to have.
    let exports: ExportLinks?
    let artifacts: ArtifactList?

    /// A run that ended so lately may still be waiting for its failures to be filed.
    private static let judgingTime: TimeInterval = 60

    init(
        _ run: PBRun, validation: Panel<PBValidation>, failures: Panel<PBListFailuresResponse>, results listed: Panel<PBListResultsResponse>,
        artifacts: Panel<PBListArtifactsResponse> = .content(PBListArtifactsResponse()), excuse: RunExcuse? = nil, filter: RunPage.Filter,
        pager: Pager?, proposal: BaselineProposal? = nil, declarePath: String? = nil, now: Date
    ) {
        path = PageAddress.run(run.id)
        badge = Badge(run.state)
        lane = Badge(run.lane)
        title = RunTitle.of(run)
        kind = run.kind == .suite ? "Suite run by Assay" : "Uploaded results"
        isLive = !run.state.isFinal
        cancelPath = run.kind == .suite && !run.state.isFinal ? PageAddress.path("runs", run.id, "cancel") : nil
        comparePath = PageAddress.path("runs", run.id, "compare")
        regressionsPath = RunRegressionsPage.path(run.id)
        logsPath = RunLogsPage.path(run.id)
        self.proposal = proposal
        branch = run.branch.nonEmpty?.shortened(to: 200)
        commit = CommitText(run.commitSha)
        environment = run.environment.nonEmpty?.shortened(to: 200)
        ciLabel = Self.ciLabel(run.ci)
        // Anything else, such as javascript:, would act in our name when clicked.
        ciURL = run.ci.url.hasPrefix("https://") || run.ci.url.hasPrefix("http://") ? run.ci.url : nil
        ciMessage = run.ci.message.nonEmpty?.shortened(to: 500)
        started = run.hasStartedAt ? Moment(run.startedAt, now: now) : nil
        duration = run.hasDurationMs ? DurationText.of(milliseconds: run.durationMs) : "–"
        testDuration = run.testDurationMs > 0 ? DurationText.of(milliseconds: run.testDurationMs) : nil
        triggeredBy = run.triggeredBy.nonEmpty
        tags = run.tags.sorted { $0.key < $1.key }.prefix(20).map { "\($0.key)=\($0.value)".shortened(to: 100) }
        isIncomplete = run.incomplete
        counts = CountsBar(run.counts)
        let total = run.counts.total
        progress = "\(NumberText.grouped(total - run.counts.pending)) of \(NumberText.counted(total, "test")) done"

        let bad = run.counts.failed + run.counts.errored
        // What does not count is taken from nothing.
        self.declarePath = bad > 0 && lane == nil ? declarePath : nil
        let isJudging = validation.content.map { $0.state == .judging } ?? (validation.note != nil && bad > 0)
        let isFresh = run.hasFinishedAt && now.timeIntervalSince(run.finishedAt.date) < Self.judgingTime
        events = isLive || (isJudging && isFresh) ? "/api/v1" + PageAddress.run(run.id) + "/events" : nil
        groups = FailureGroup.all(validation.content ?? PBValidation(), failures: failures.content?.data ?? [])
        self.excuse = excuse
        retryPlanPath = bad > 0 && run.kind != .suite && !run.hasImportedAt ? RetryPlanPage.path(run.id) : nil
        failureCount = bad > 0 ? NumberText.grouped(bad) : nil
        failureNote =
            if bad == 0 {
                isLive ? "No test has failed so far." : "No test failed."
            } else if run.hasImportedAt, groups.isEmpty {
                "\(NumberText.counted(bad, "test")) failed. Imported runs count in statistics, but their failures are not judged."
            } else if let note = failures.note ?? validation.note, groups.isEmpty {
                note
            } else if groups.isEmpty {
                "The failures are being looked at; they appear here in a moment."
            } else {
                nil
            }

        outcomeFilter = filter.word.nonEmpty
        searchFilter = filter.search
        let path = path
        func chip(_ label: String, _ word: String, _ count: Int64) -> Choice {
            Choice(
                label: label, path: PageAddress.of(path, [("outcome", word), ("q", filter.search)], fragment: "results"),
                isChosen: word == filter.word,
                count: NumberText.grouped(count))
        }
        chips = [
            chip("All", "", total - run.counts.pending), chip("Failed", "FAILED", run.counts.failed), chip("Errored", "ERRORED", run.counts.errored),
            chip("Passed", "PASSED", run.counts.passed), chip("Skipped", "SKIPPED", run.counts.skipped),
        ]
        results = listed.content?.data.map(ResultRow.init) ?? []
        hasResults = !results.isEmpty
        resultsNote = listed.note ?? (results.isEmpty ? Self.nothing(isLive: isLive, filter) : nil)
        self.pager = pager
        exports =
            results.isEmpty
            ? nil : ExportLinks(PageAddress.path("runs", run.id, "results"), [("outcome", filter.word), ("search", filter.search)])
        self.artifacts = ArtifactList(artifacts)
    }

    private static func nothing(isLive: Bool, _ filter: RunPage.Filter) -> String {
        if filter.outcome != nil || !filter.search.isEmpty { return "No result matches." }
        return isLive ? "No result has arrived yet." : "This run has no results."
    }

    private static func ciLabel(_ ci: PBCI) -> String? {
        let number = ci.number.nonEmpty.map { "#\($0)" }
        let words = [ci.name.nonEmpty, number].compactMap(\.self)
        if !words.isEmpty { return words.joined(separator: " ").shortened(to: 120) }
        return ci.url.isEmpty ? nil : "CI build"
    }

    /// One result in the list.
    struct ResultRow: Sendable {
        let path: String
        let badge: Badge
        let name: String
        let place: String?
        let message: String?
        let duration: String

        init(_ result: PBResult) {
            path = PageAddress.result(result.id)
            badge = Badge(result.outcome)
            name = result.name.shortened(to: 300)
            place = TestPlace.of(suite: result.suiteName, className: result.className)
            message = result.message.withoutTerminalColours.nonEmpty?.shortened(to: 300)
            duration = TestPlace.duration(result)
        }
    }
}

/// Where a test stands, and how long it took.
enum TestPlace {
    /// What was skipped took no time worth telling.
    static func duration(_ result: PBResult) -> String {
        guard result.hasDurationUs, result.durationUs > 0 || result.outcome != .skipped else { return "–" }
        return DurationText.of(microseconds: result.durationUs)
    }

    /// Suite and class, once when they are the same.
    static func of(suite: String, className: String) -> String? {
        let parts = suite == className ? [suite] : [suite, className]
        return parts.filter { !$0.isEmpty }.map { $0.shortened(to: 200) }.joined(separator: " › ").nonEmpty
    }
}
