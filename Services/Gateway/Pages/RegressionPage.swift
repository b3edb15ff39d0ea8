import AnalyticsAPI
import ExecutionAPI
import Foundation
import Hummingbird
import Primitives
import ProjectsAPI
import SwiftProtobuf

/// What people have said of one test that fails in a run and did not in its baseline. What the machine believes stands in the list of the run.
enum RegressionPage {
    struct View: Sendable {
        let name: String
        let place: String?
        let testPath: String
        let runPath: String
        let runTitle: String
        /// The run's regressions, held against the same baseline.
        let listPath: String
        let said: WordsPanel?
        let isUnsaid: Bool

        /// - Parameter test: where it is known.
        init(_ id: String, _ test: PBTest?, in run: PBRun, of filter: RegressionFilter, said: WordsPanel?) {
            name = test?.name.nonEmpty?.shortened(to: 300) ?? "A test"
            place = test.flatMap { TestPlace.of(suite: $0.suiteName, className: $0.className) }
            testPath = PageAddress.test(id)
            runPath = PageAddress.run(run.id)
            runTitle = RunTitle.of(run)
            listPath = PageAddress.of(filter.path, filter.query)
            self.said = said
            isUnsaid = said == nil
        }
    }

    /// - Parameter baseline: which the run is held against.
    static func path(_ test: String, of filter: RegressionFilter, against baseline: String) -> String {
        PageAddress.of(filter.path + PageAddress.path(test), [(name: "against", value: baseline)] + filter.query)
    }

    static func show(_ visit: Visit) async throws -> Response {
        let (id, test) = (try visit.context.parameter("run"), try visit.context.parameter("test"))
        let filter = RegressionFilter(
            run: id, branch: try visit.context.query("branch") ?? "", show: try visit.context.query("show") ?? "",
            baseline: try visit.context.query("baseline") ?? "")
        // The list is of one baseline, whether it was chosen by its branch or by itself.
        let baseline = (try visit.context.query("against") ?? "").nonEmpty ?? filter.baseline
        let (project, view) = try await visit.asking {
            async let said = Panel.load("What people said") {
                try await PBRegressionVerdicts.Client(wrapping: visit.upstream("execution")).listRegressionVerdicts(
                    .with {
                        $0.run = id
                        $0.test = test
                        $0.baseline = baseline
                        $0.limit = WordsPanel.limit
                    })
            }
            async let known = Panel.load("Tests") {
                try await PBTests.Client(wrapping: visit.upstream("analytics")).getTest(.with { $0.test = test })
            }
            let run = try await PBRuns.Client(wrapping: visit.upstream("execution")).getRun(.with { $0.run = id })
            let project = await Panel.load("Projects") {
                try await PBProjects.Client(wrapping: visit.upstream("projects")).getProject(.with { $0.project = run.project })
            }.content
            let panel = WordsPanel(await said, ofTest: test, in: id, against: baseline, now: visit.now)
            return (project, View(test, await known.content, in: run, of: filter, said: panel))
        }
        let way = project.map { [PageFrame.Crumb($0.name, PageAddress.project($0.slug))] } ?? []
        let crumbs =
            [PageFrame.Crumb("Projects", "/")] + way
            + [PageFrame.Crumb(view.runTitle, view.runPath), PageFrame.Crumb("Regressions", view.listPath), PageFrame.Crumb(view.name)]
        return visit.page(.regression, view.name, crumbs: crumbs, view)
    }
}
