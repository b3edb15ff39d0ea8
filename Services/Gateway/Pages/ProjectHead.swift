import Foundation
import Primitives
import ProjectsAPI
import SwiftProtobuf

/// The head that all pages of a project have in common: its name, and the way to its other pages in two steps, so that there is room for all of them
/// on a phone.
struct ProjectHead: Sendable {
    let name: String
    let slug: String
    let description: String?
    let path: String
    let tabs: [Link]
    /// The pages of the tab that is open; absent where there is one only.
    let pages: Pages?

    /// A page of a project.
    enum Tab: Sendable {
        case runs, regressions, baselines, retries, failures, incidents, logs, rules, tests, flaky, quarantine, grid, trends, suites, secrets
    }

    struct Pages: Sendable {
        let label: String
        let links: [Link]
    }

    struct Link: Sendable {
        let label: String
        let path: String
        /// What `aria-current` says: `page` of the very page, `true` of the tab that it belongs to.
        let current: String?
    }

    /// What stands below what: the first page of each is where its tab leads.
    private static let sections: [(label: String, pages: [(tab: Tab, label: String, path: String)])] = [
        (
            "Runs",
            [
                (.runs, "Runs", ""), (.regressions, "Regressions", "/regressions"), (.baselines, "Baselines", "/baselines"),
                (.retries, "Retries", "/retries"),
            ]
        ),
        (
            "Failures",
            [(.failures, "Groups", "/failures"), (.incidents, "Environment", "/incidents"), (.logs, "Logs", "/logs"), (.rules, "Rules", "/rules")]
        ),
        (
            "Tests",
            [(.tests, "All tests", "/tests"), (.flaky, "Flaky", "/flaky"), (.quarantine, "Quarantine", "/quarantine"), (.grid, "History", "/grid")]
        ),
        ("Trends", [(.trends, "Trends", "/trends")]),
        ("Suites and schedules", [(.suites, "Suites and schedules", "/suites"), (.secrets, "Secrets", "/secrets")]),
    ]

    init(_ project: PBProject, tab: Tab) {
        let path = PageAddress.project(project.slug)
        name = project.name
        slug = project.slug
        description = project.description_p.nonEmpty?.shortened(to: 500)
        self.path = path
        tabs = Self.sections.map { section in
            let isOpen = section.pages.contains { $0.tab == tab }
            let isOnlyPage = section.pages.count == 1
            return Link(label: section.label, path: path + section.pages[0].path, current: isOpen ? (isOnlyPage ? "page" : "true") : nil)
        }
        pages = Self.sections.first { $0.pages.count > 1 && $0.pages.contains { $0.tab == tab } }.map { section in
            Pages(
                label: section.label,
                links: section.pages.map { Link(label: $0.label, path: path + $0.path, current: $0.tab == tab ? "page" : nil) })
        }
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

    /// With a page between the project and the last one.
    static func crumbs(_ project: PBProject, _ middle: (label: String, path: String), _ last: String) -> [PageFrame.Crumb] {
        [
            PageFrame.Crumb("Projects", "/"), PageFrame.Crumb(project.name, PageAddress.project(project.slug)),
            PageFrame.Crumb(middle.label, middle.path), PageFrame.Crumb(last),
        ]
    }
}

extension Visit {
    /// Whether whoever asks may do what needs `permission` in a project: what a page offers. The service decides when it is done.
    func may(_ permission: String, in project: PBProject) -> Bool {
        guard let identity = context.identity else { return false }
        if identity.permissions.contains(permission) { return true }
        return (try? ID<Project>(project.id)).flatMap { identity.grants[$0.uuid] }?.contains(permission) ?? false
    }
}
