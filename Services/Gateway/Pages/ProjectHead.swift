import ProjectsAPI
import SwiftProtobuf

/// The head that all pages of a project have in common.
struct ProjectHead: Sendable {
    let name: String
    let slug: String
    let description: String?
    let path: String
    let isRuns: Bool
    let isTests: Bool
    let isFailures: Bool
    let isTrends: Bool
    let isFlaky: Bool
    let isGrid: Bool
    let isSuites: Bool

    enum Tab: Sendable { case runs, failures, trends, tests, flaky, grid, suites }

    init(_ project: PBProject, tab: Tab) {
        name = project.name
        slug = project.slug
        description = project.description_p.nonEmpty?.shortened(to: 500)
        path = PageAddress.project(project.slug)
        isRuns = tab == .runs
        isTests = tab == .tests
        isFailures = tab == .failures
        isTrends = tab == .trends
        isFlaky = tab == .flaky
        isGrid = tab == .grid
        isSuites = tab == .suites
    }

    /// The project that a page's path names, by id or slug.
    static func project(_ visit: Visit) async throws -> PBProject {
        let name = try visit.context.parameter("project")
        return try await PBProjects.Client(wrapping: visit.upstream("projects")).getProject(.with { $0.project = name })
    }

    static func crumbs(_ project: PBProject, _ last: String? = nil) -> [PageFrame.Crumb] {
        let own = PageFrame.Crumb(project.name, last == nil ? nil : PageAddress.project(project.slug))
        return [PageFrame.Crumb("Projects", "/"), own] + (last.map { [PageFrame.Crumb($0)] } ?? [])
    }
}
