import AnalyticsAPI
import CommonAPI
import ExecutionAPI
import Foundation
import SwiftProtobuf
import ValidationAPI

/// What the page of a failure group shows.
extension FailureGroupPage {
    struct View: Sendable {
        let badge: Badge
        let title: String
        let stats: [StatFigure]
        /// Where the category is no rule's.
        let learned: LearnedFrom?
        let first: SightingText
        let last: SightingText
        let regression: SightingText?
        let resolution: String?
        /// Which rule made the state.
        let why: String?
        /// What the form offers: without an owner, whose most of its tests are.
        let owner: String
        let proposedOwners: [String]
        let sample: String?
        let latest: LatestFailure?
        /// What a person filed one of its failures as, and with it the group.
        let person: FailureVerdictPanel?
        /// Whether a person can say here what it is.
        let canFile: Bool
        let location: String?
        let isResolved: Bool
        let canDecide: Bool
        let decidePath: String
        let refusal: String?
        /// What came of a word on all failures.
        let done: String?
        let filing: Filing?
        let chart: OccurrenceChart?
        let tests: [TestRow]
        let testsNote: String?
        let failures: [FailureRow]
        let failuresNote: String?
        let testsExports: ExportLinks?
        let failuresExports: ExportLinks?
        let pager: Pager?
        let merges: [MergeRow]
        let hasMerges: Bool
        let mergesNote: String?
        let mergesExports: ExportLinks?
        let decisions: [GroupDecisionRow]
        let hasDecisions: Bool
        let decisionsNote: String?
        let template: String?
        let signatures: [SignatureRow]
        let canSplit: Bool
        let isSplitOpen: Bool
        let signaturesPager: Pager?
        let cut: CutForm?
        let others: [OtherGroup]
        let hasOthers: Bool
        let canMerge: Bool
        let isJoinOpen: Bool
        /// Where there are more groups than are offered, and where they are narrowed already.
        let canFind: Bool
        let joinSearch: String
        let othersPager: Pager?
        let groupPath: String

        /// - Parameter back: where a person came from to say what it is; back to here when `nil`.
        init(
            _ group: PBFailureGroup, project: String, parts: Parts, canDecide: Bool, refusal: String?, done: String? = nil, back: String? = nil,
            offered: Offered = Offered(), pager: Pager?, now: Date
        ) {
            badge = Badge(group.state)
            title = GroupText.title(group)
            // A group is of the category of its last failure, unless a person says otherwise.
            learned = group.overruled ? nil : LearnedFrom(parts.receipt)
            let proposed = group.proposedOwners.map { $0.shortened(to: 100) }
            proposedOwners = proposed
            let severity = "\(JudgementText.severity(group.severity).label) severity" + (learned == nil ? "" : ", learned")
            stats = [
                StatFigure("Failures", NumberText.grouped(group.failures)),
                StatFigure("Tests", NumberText.grouped(group.tests), unit: Self.words(parts.verdicts)),
                StatFigure("Category", JudgementText.category(group.category), unit: severity),
                StatFigure(
                    "Owner", group.owner.nonEmpty?.shortened(to: 100) ?? "Nobody",
                    unit: proposed.isEmpty ? nil : "proposed: " + proposed.joined(separator: ", ")),
            ]
            first = SightingText(group.firstSeen, now: now)
            last = SightingText(group.lastSeen, now: now)
            regression = group.hasRegression ? SightingText(group.regression, now: now) : nil
            resolution = group.hasResolution ? Self.words(group.resolution, now: now) : nil
            why = GroupStateText.words(group.stateReason).map { "\($0) (Edition \(group.stateEdition) of the rules by which groups live.)" }
            owner = group.owner.nonEmpty?.shortened(to: 100) ?? proposed.first ?? ""
            latest = parts.latest.content.map { LatestFailure($0, seen: group.lastSeen, now: now) }
            person = parts.word.content.map {
                let back = back ?? PageAddress.path("projects", project, "failures", group.id)
                return FailureVerdictPanel($0, beside: group.lastSeen.result, canWrite: canDecide, back: back, now: now)
            }
            canFile = latest != nil && person?.form != nil
            // The latest failure says it in full.
            sample = latest == nil ? group.sampleMessage.withoutTerminalColours.nonEmpty : nil
            template = GroupText.tidied(group.template.withoutTerminalColours).nonEmpty?.shortened(to: 500)
            signatures = parts.signatures.content?.data.map { SignatureRow($0, now: now) } ?? []
            isSplitOpen = offered.isSplitOpen
            signaturesPager = offered.signatures
            let hasSeveral = signatures.count > 1 || isSplitOpen
            canSplit = canDecide && hasSeveral
            cut = canDecide && !signatures.isEmpty ? CutForm(choices: signatures, hasSeveral: hasSeveral) : nil
            others = parts.others.filter { $0.id != group.id }.map { OtherGroup($0, now: now) }
            hasOthers = !others.isEmpty
            isJoinOpen = offered.isJoinOpen
            canMerge = canDecide && (hasOthers || isJoinOpen)
            othersPager = offered.groups
            joinSearch = offered.q
            canFind = othersPager != nil || !joinSearch.isEmpty
            groupPath = PageAddress.path("projects", project, "failures", group.id)
            location = group.location.nonEmpty?.shortened(to: 300)
            isResolved = group.state == .resolved
            self.canDecide = canDecide
            decidePath = PageAddress.path("projects", project, "failures", group.id, "decide")
            self.refusal = refusal
            self.done = done
            filing = canDecide && parts.failures.content?.data.isEmpty == false ? Filing() : nil
            chart = parts.occurrences.content.flatMap { OccurrenceChart($0) }
            tests = parts.tests.content?.data.map { TestRow($0, parts.verdicts[$0.test], now: now) } ?? []
            testsNote = parts.tests.note ?? Self.more(parts.tests.content?.page.hasMore_p, "tests")
            failures = parts.failures.content?.data.map { FailureRow($0, now: now) } ?? []
            failuresNote = parts.failures.note
            func exports(_ list: String) -> ExportLinks {
                ExportLinks(PageAddress.path("projects", project, "failure-groups", group.id, list))
            }
            testsExports = tests.isEmpty ? nil : exports("tests")
            failuresExports = failures.isEmpty ? nil : exports("failures")
            self.pager = pager
            merges = parts.merges.content?.data.map(MergeRow.init) ?? []
            hasMerges = !merges.isEmpty
            mergesExports = hasMerges ? exports("merges") : nil
            mergesNote = parts.merges.note ?? Self.more(parts.merges.content?.page.hasMore_p, "merges")
            decisions = parts.decisions.content?.data.map { GroupDecisionRow($0, in: group.id, of: project, now: now) } ?? []
            decisionsNote = parts.decisions.note ?? Self.more(parts.decisions.content?.page.hasMore_p, "decisions")
            hasDecisions = !decisions.isEmpty || decisionsNote != nil
        }

        /// What is thought of its tests, the most frequent first: `6 regressed, 1 flaky`.
        private static func words(_ verdicts: [String: PBStability]) -> String? {
            let counts = Dictionary(grouping: verdicts.values.map { Badge($0.kind).label.lowercased() }) { $0 }.mapValues(\.count)
            return counts.sorted { ($0.value, $1.key) > ($1.value, $0.key) }.map { "\($0.value) \($0.key)" }.joined(separator: ", ").nonEmpty
        }

        private static func more(_ hasMore: Bool?, _ what: String) -> String? { hasMore == true ? "There are more \(what): the API lists all." : nil }

        private static func words(_ resolution: PBResolution, now: Date) -> String {
            let when = Moment(resolution.at, now: now).relative
            if resolution.absent {
                guard resolution.hasAbsence else { return "Resolved \(when): it has not been seen for a week and 20 runs." }
                let absence = resolution.absence
                let seen = "\(NumberText.counted(Int64(absence.days), "day")) and \(NumberText.counted(Int64(absence.runs), "run"))"
                let elsewhere = absence.otherBranches ? " of other branches, since nothing had run on its own for 14 days" : ""
                return "Resolved \(when): it had not been seen for \(seen)\(elsewhere); \(absence.neededDays) and \(absence.neededRuns) are enough."
            }
            let commit = resolution.commitSha.nonEmpty.map { " with \($0.shortened(to: 64))" } ?? ""
            let branch = resolution.branch.nonEmpty.map { " on \($0.shortened(to: 100))" } ?? ""
            return "Resolved \(when) by \(resolution.by.shortened(to: 100))\(commit)\(branch)."
        }
    }

    /// What the page is put together from.
    struct Parts: Sendable {
        var failures: Panel<PBListGroupFailuresResponse>
        var tests: Panel<PBListGroupTestsResponse>
        var merges: Panel<PBListGroupMergesResponse>
        var occurrences: Panel<PBGroupOccurrences>
        var signatures: Panel<PBListGroupSignaturesResponse>
        /// Splits, merges and cuts by people that name any of its signatures, or made one.
        var decisions: Panel<PBListGroupingDecisionsResponse>
        var latest: Panel<PBResult>
        /// By test.
        var verdicts: [String: PBStability]
        /// On the latest failure.
        var word: Panel<PBVerdict> = .note("")
        var others: [PBFailureGroup]
        /// Of the failure that was seen last.
        var receipt: PBReceipt?
    }

    struct SightingText: Sendable {
        let at: Moment
        let runPath: String
        let resultPath: String
        let branch: String?
        let commit: CommitText?

        init(_ sighting: PBSighting, now: Date) {
            at = Moment(sighting.at, now: now)
            runPath = PageAddress.run(sighting.run)
            resultPath = PageAddress.result(sighting.result)
            branch = sighting.branch.nonEmpty?.shortened(to: 100)
            commit = CommitText(sighting.commitSha)
        }
    }

    /// The failure that was seen last, as its test reported it.
    struct LatestFailure: Sendable {
        let path: String
        let name: String
        let at: Moment
        let message: String?
        let trace: String?

        init(_ result: PBResult, seen: PBSighting, now: Date) {
            path = PageAddress.result(result.id)
            name = result.name.shortened(to: 300)
            at = Moment(seen.at, now: now)
            message = result.message.withoutTerminalColours.nonEmpty?.shortened(to: 2_000)
            trace = result.trace.withoutTerminalColours.nonEmpty?.shortened(to: 10_000)
        }
    }

    struct SignatureRow: Sendable {
        let id: String
        let text: String
        let failures: String
        let lastSeen: Moment

        init(_ signature: PBFailureSignature, now: Date) {
            id = signature.id
            text = GroupText.tidied(signature.text.withoutTerminalColours).shortened(to: 300)
            failures = NumberText.counted(signature.failures, "failure")
            lastSeen = Moment(signature.lastSeenAt, now: now)
        }
    }

    /// Takes failures of one signature apart by a text, where no choice of signatures would.
    struct CutForm: Sendable {
        let choices: [SignatureRow]
        /// Then one of them is chosen.
        let hasSeveral: Bool
    }

    /// A group that could be joined with this one.
    struct OtherGroup: Sendable {
        let id: String
        let label: String

        init(_ group: PBFailureGroup, now: Date) {
            id = group.id
            let count = NumberText.counted(group.failures, "failure")
            label = "\(GroupText.title(group).shortened(to: 90)) (\(count), \(Moment(group.lastSeen.at, now: now).relative))"
        }
    }

    struct TestRow: Sendable {
        let path: String
        let name: String
        let place: String?
        let failures: String
        let lastSeen: Moment
        let verdict: StabilityText?
        /// Whose it is, from which the owner of the group is proposed.
        let owners: [String]

        init(_ test: PBFailureGroupTest, _ stability: PBStability?, now: Date) {
            verdict = stability.map(StabilityText.init)
            path = PageAddress.test(test.test)
            name = test.testName.shortened(to: 300)
            place = test.className.nonEmpty?.shortened(to: 300)
            failures = NumberText.grouped(test.failures)
            lastSeen = Moment(test.lastSeenAt, now: now)
            owners = test.owners.map { $0.shortened(to: 100) }
        }
    }

    struct FailureRow: Sendable {
        let path: String
        let runPath: String
        /// The end of the run's id, by which runs without a name go.
        let run: String
        let name: String
        let message: String?
        let judged: Moment

        init(_ failure: PBFailure, now: Date) {
            path = PageAddress.result(failure.result)
            runPath = PageAddress.run(failure.run)
            run = "Run " + failure.run.suffix(6)
            name = failure.testName.shortened(to: 300)
            message = failure.message.withoutTerminalColours.nonEmpty?.shortened(to: 500)
            judged = Moment(failure.judgedAt, now: now)
        }
    }

    struct MergeRow: Sendable {
        let kept: String
        let joined: String
        let detail: String

        init(_ merge: PBFailureGroupMerge) {
            kept = merge.kept.text.shortened(to: 300)
            joined = merge.joined.text.shortened(to: 300)
            detail = merge.detail.shortened(to: 500)
        }
    }
}

extension OccurrenceChart {
    init?(_ occurrences: PBGroupOccurrences) {
        let days = occurrences.data.map { point in
            // How many are different ones, as far as it was counted.
            let tests = point.hasTests && point.tests > 0 ? " in \(NumberText.counted(point.tests, "test"))" : ""
            return Day(
                name: Self.day(point.at.date), count: point.failures, words: NumberText.counted(point.failures, "failure") + tests)
        }
        let busiest = occurrences.data.map(\.tests).max() ?? 0
        let inTests = busiest > 0 ? ", in at most \(NumberText.counted(busiest, "test"))" : ""
        self.init(days, of: "Failures", rest: inTests, css: Badge.failed.css)
    }
}
