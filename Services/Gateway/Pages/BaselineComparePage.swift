import CommonAPI
import ExecutionAPI
import Foundation
import Hummingbird
import Primitives
import ProjectsAPI
import SwiftProtobuf
import ValidationAPI

/// What is different in the run of one baseline, held against that of another: the one in force on its branch and environment, else the newest other.
enum BaselineComparePage {
    static let limit: Int32 = 100
    /// Baselines that can be chosen.
    static let mostChoices: Int32 = 50

    struct View: Sendable {
        let head: ProjectHead
        let path: String
        let title: String
        let runPath: String
        let base: Base?
        let bases: [ComparePage.BaseOption]
        let kindFilter: String
        let chips: [Choice]
        let note: String?
        let rows: [ComparePage.Row]
        let hasRows: Bool
        let pager: Pager?
        /// Absent where there is nothing to have.
        let exports: ExportLinks?

        init(
            _ baseline: PBBaseline, of project: PBProject, base: PBBaseline?, bases: [PBBaseline], comparison: Panel<PBCompareRunsResponse>?,
            kind: String, pager: Pager?
        ) {
            head = ProjectHead(project, tab: .baselines)
            let path = BaselineComparePage.path(project, baseline.id)
            self.path = path
            title = BaselineComparePage.name(baseline)
            runPath = PageAddress.run(baseline.run)
            self.base = base.map(Base.init)
            self.bases = bases.map {
                ComparePage.BaseOption(value: $0.id, label: BaselineComparePage.label($0), isChosen: $0.id == base?.id)
            }
            kindFilter = kind
            let content = comparison?.content
            chips =
                content.map { answer in
                    ComparePage.kinds.map { word, label, _, count in
                        Choice(
                            label: label, path: PageAddress.of(path, [("base", base?.id ?? ""), ("kind", word)]), isChosen: word == kind,
                            count: count(answer.summary).map(NumberText.grouped))
                    }
                } ?? []
            rows = content?.data.map(ComparePage.Row.init) ?? []
            hasRows = !rows.isEmpty
            note =
                comparison?.note
                ?? (base == nil ? "There is no other baseline to hold it against." : rows.isEmpty ? "Nothing differs in this way." : nil)
            self.pager = pager
            let whole = ExportLinks(PageAddress.path("baselines", baseline.id, "comparison"), [("base", base?.id ?? ""), ("kind", kind)])
            exports = rows.isEmpty ? nil : whole
        }
    }

    struct Base: Sendable {
        let name: String
        let runPath: String

        init(_ baseline: PBBaseline) {
            name = BaselineComparePage.name(baseline)
            runPath = PageAddress.run(baseline.run)
        }
    }

    static func path(_ project: PBProject, _ baseline: String) -> String { PageAddress.path("projects", project.slug, "baselines", baseline) }

    private static func name(_ baseline: PBBaseline) -> String {
        let line = [baseline.branch.nonEmpty ?? "no branch", baseline.environment.nonEmpty].compactMap(\.self).joined(separator: ", ")
        return "\(line.shortened(to: 200)) \(NumberText.grouped(baseline.number))"
    }

    private static func label(_ baseline: PBBaseline) -> String {
        let state = baseline.inForce ? "in force" : Badge(baseline.state).label.lowercased()
        let commit = baseline.commitSha.nonEmpty.map { String($0.prefix(10)) }
        return ([name(baseline), commit].compactMap(\.self).joined(separator: " at ") + ", " + state).shortened(to: 160)
    }

    static func show(_ visit: Visit) async throws -> Response {
        let id = try visit.context.parameter("baseline")
        let word = try visit.context.query("kind") ?? ""
        let kind = ComparePage.kinds.first { $0.word == word } ?? ComparePage.kinds[0]
        let wanted = (try visit.context.query("base") ?? "").shortened(to: 60)
        let filter = [("base", wanted), ("kind", kind.word)]
        let cursor = try visit.cursor(filter: filter)
        let (project, view) = try await visit.asking {
            let project = try await ProjectHead.project(visit)
            let client = PBBaselines.Client(wrapping: visit.upstream("validation"))
            func own(_ id: String) async throws -> PBBaseline {
                let found = try await client.getBaseline(.with { $0.baseline = id })
                // Of this project: an id from elsewhere leads nowhere here.
                guard found.project == project.id else { throw Fault.notFound("baseline", id) }
                return found
            }
            let baseline = try await own(id)
            let others = try await client.listBaselines(
                .with {
                    $0.project = project.id
                    $0.limit = mostChoices
                }
            ).data.filter { $0.id != id }
            let base = wanted.isEmpty ? usual(for: baseline, among: others) : try await own(wanted)
            var comparison: Panel<PBCompareRunsResponse>?
            if let base {
                comparison = await Panel.load("The comparison") {
                    try await PBRegressions.Client(wrapping: visit.upstream("execution")).compareBaselines(
                        .with {
                            $0.baseline = id
                            $0.base = base.id
                            $0.limit = limit
                            $0.cursor = cursor
                            $0.kind = kind.kinds
                        })
                }
            }
            let bases = base.map { base in others.contains { $0.id == base.id } ? others : [base] + others } ?? others
            let pager = try visit.pager(next: comparison?.content?.page.nextCursor ?? "", filter: filter, label: "More")
            return (project, View(baseline, of: project, base: base, bases: bases, comparison: comparison, kind: kind.word, pager: pager))
        }
        return visit.page(
            .baselineComparison, "Comparison of baselines",
            crumbs: ProjectHead.crumbs(project, ("Baselines", BaselinesPage.path(project)), view.title), view)
    }

    private static func usual(for baseline: PBBaseline, among others: [PBBaseline]) -> PBBaseline? {
        let line = others.filter { $0.branch == baseline.branch && $0.environment == baseline.environment }
        return line.first { $0.inForce } ?? line.first ?? others.first
    }
}
