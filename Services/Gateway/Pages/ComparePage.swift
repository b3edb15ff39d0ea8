import CommonAPI
import ExecutionAPI
import Foundation
import GRPCCore
import Hummingbird
import Primitives
import ProjectsAPI
import SwiftProtobuf

/// What is different in a run, held against another one of its project; against the one before it on its branch when none is chosen.
enum ComparePage {
    static let limit: Int32 = 100
    /// Runs that can be chosen.
    static let runLimit: Int32 = 50

    struct View: Sendable {
        let path: String
        let runPath: String
        /// Where branches are compared instead; absent where the project is not known.
        let setsPath: String?
        let run: RunRow
        let base: RunRow?
        let bases: [BaseOption]
        let kindFilter: String
        let note: String?
        let chips: [Choice]
        let rows: [Row]
        let hasRows: Bool
        let pager: Pager?
        /// Absent where there is nothing to have.
        let exports: ExportLinks?

        init(
            _ run: PBRun, base: PBRun?, bases: [PBRun], comparison: Panel<PBCompareRunsResponse>?, kind: String, project: String? = nil,
            pager: Pager?, now: Date
        ) {
            runPath = PageAddress.run(run.id)
            setsPath = project.map { SetComparePage.address(project: $0, branch: run.branch, base: base?.branch ?? "") }
            path = runPath + "/compare"
            self.run = RunRow(run, now: now)
            self.base = base.map { RunRow($0, now: now) }
            self.bases = bases.map { BaseOption($0, isChosen: $0.id == base?.id, now: now) }
            kindFilter = kind
            let content = comparison?.content
            let path = path
            chips =
                content.map { answer in
                    ComparePage.kinds.map { word, label, _, count in
                        Choice(
                            label: label, path: PageAddress.of(path, [("base", base?.id ?? ""), ("kind", word)]), isChosen: word == kind,
                            count: count(answer.summary).map(NumberText.grouped))
                    }
                } ?? []
            rows = content?.data.map(Row.init) ?? []
            hasRows = !rows.isEmpty
            note =
                comparison?.note
                ?? (base == nil
                    ? "There is no other run to hold it against." : rows.isEmpty ? "Nothing differs in this way." : nil)
            self.pager = pager
            exports = rows.isEmpty ? nil : ExportLinks(PageAddress.path("runs", run.id, "comparison"), [("base", base?.id ?? ""), ("kind", kind)])
        }
    }

    struct BaseOption: Sendable {
        let value: String
        let label: String
        let isChosen: Bool

        init(value: String, label: String, isChosen: Bool) {
            self.value = value
            self.label = label
            self.isChosen = isChosen
        }

        init(_ run: PBRun, isChosen: Bool, now: Date) {
            value = run.id
            let parts = [run.branch.nonEmpty, run.commitSha.nonEmpty.map { String($0.prefix(10)) }].compactMap(\.self)
            label = ([Moment(run.createdAt, now: now).relative, Badge(run.state).label] + parts).joined(separator: ", ").shortened(to: 120)
            self.isChosen = isChosen
        }
    }

    struct Row: Sendable {
        let kind: Badge
        let path: String
        let name: String
        let place: String?
        let before: Side?
        let after: Side?

        init(_ difference: PBTestDifference) {
            kind = Badge(difference.kind)
            path = PageAddress.test(difference.test)
            name = difference.name.shortened(to: 300)
            place = TestPlace.of(suite: difference.suiteName, className: difference.className)
            before = difference.hasBase ? Side(difference.base) : nil
            after = difference.hasRun ? Side(difference.run) : nil
        }
    }

    struct Side: Sendable {
        let badge: Badge
        let path: String
        let duration: String

        init(_ result: PBComparedResult) {
            badge = Badge(result.outcome)
            path = PageAddress.result(result.result)
            duration = result.hasDurationUs ? DurationText.of(microseconds: result.durationUs) : ""
        }
    }

    /// Words of the page's address, as of the API.
    static let kinds: [(word: String, label: String, kinds: [PBTestDifference.Kind], count: @Sendable (PBComparisonSummary) -> Int64?)] = [
        ("", "All differences", [], { _ in nil }), ("NEW_FAILURE", "New failures", [.newFailure], { $0.newFailures }),
        ("STILL_FAILING", "Still failing", [.stillFailing], { $0.stillFailing }), ("FIXED", "Fixed", [.fixed], { $0.fixed }),
        ("ADDED", "Added", [.added], { $0.added }), ("REMOVED", "Removed", [.removed], { $0.removed }),
        ("SLOWER", "Slower", [.slower], { $0.slower }),
    ]

    static func show(_ visit: Visit) async throws -> Response {
        let id = try visit.context.parameter("run")
        let word = try visit.context.query("kind") ?? ""
        let kind = kinds.first { $0.word == word } ?? kinds[0]
        let wanted = (try visit.context.query("base") ?? "").shortened(to: 60)
        let filter = [("base", wanted), ("kind", kind.word)]
        let cursor = try visit.cursor(filter: filter)
        let (project, view) = try await visit.asking {
            let runs = PBRuns.Client(wrapping: visit.upstream("execution"))
            let run = try await runs.getRun(.with { $0.run = id })
            async let project = Panel.load("Projects") {
                try await PBProjects.Client(wrapping: visit.upstream("projects")).getProject(.with { $0.project = run.project })
            }
            let others = try await runs.listRuns(
                .with {
                    $0.project = run.project
                    $0.limit = runLimit
                }
            ).data.filter { $0.id != run.id && $0.state.isFinal }
            let base = try await base(wanted, for: run, among: others, runs)
            var comparison: Panel<PBCompareRunsResponse>?
            if let base {
                comparison = await Panel.load("The comparison") {
                    try await PBResults.Client(wrapping: visit.upstream("execution")).compareRuns(
                        .with {
                            $0.run = run.id
                            $0.base = base.id
                            $0.limit = limit
                            $0.cursor = cursor
                            $0.kind = kind.kinds
                        })
                }
            }
            let bases = base.map { base in others.contains { $0.id == base.id } ? others : [base] + others } ?? others
            let pager = try visit.pager(next: comparison?.content?.page.nextCursor ?? "", filter: filter, label: "More")
            let known = await project.content
            let view = View(
                run, base: base, bases: bases, comparison: comparison, kind: kind.word, project: known?.slug, pager: pager, now: visit.now)
            return (known, view)
        }
        let crumbs =
            (project.map { [PageFrame.Crumb("Projects", "/"), PageFrame.Crumb($0.name, PageAddress.project($0.slug))] } ?? [
                PageFrame.Crumb("Projects", "/")
            ]) + [PageFrame.Crumb("Run", view.runPath), PageFrame.Crumb("Comparison")]
        return visit.page(.compare, "Comparison", crumbs: crumbs, view)
    }

    /// The run that was chosen; else the newest older one of the same branch, else the newest older one.
    private static func base(
        _ wanted: String, for run: PBRun, among others: [PBRun], _ runs: PBRuns.Client<some ClientTransport>
    ) async throws -> PBRun? {
        if !wanted.isEmpty {
            if let known = others.first(where: { $0.id == wanted }) { return known }
            return try await runs.getRun(.with { $0.run = wanted })
        }
        let older = others.filter { $0.createdAt.date < run.createdAt.date }
        return older.first { $0.branch == run.branch } ?? older.first
    }
}

extension Badge {
    init(_ kind: PBTestDifference.Kind) {
        switch kind {
        case .newFailure: self = Badge(css: "failed", glyph: "✕", label: "New failure")
        case .stillFailing: self = Badge(css: "errored", glyph: "●", label: "Still failing")
        case .fixed: self = Badge(css: "passed", glyph: "✓", label: "Fixed")
        case .added: self = Badge(css: "pending", glyph: "+", label: "Added")
        case .removed: self = Badge(css: "skipped", glyph: "−", label: "Removed")
        case .slower: self = Badge(css: "skipped", glyph: "◷", label: "Slower")
        case .unspecified, .UNRECOGNIZED: self = .unknown
        }
    }
}
