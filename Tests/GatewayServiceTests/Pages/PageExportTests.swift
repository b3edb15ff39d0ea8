import Contract
import Foundation
import Testing

@testable import GatewayService

@Suite("lists of pages can be had whole")
struct PageExportTests {
    /// Pages whose list has a cursor in the API.
    private static let lists = [
        "rule-editions", "lessons", "judgings", "quarantine", "baselines", "baseline-comparison", "regressions", "run-regressions", "incidents",
        "incident", "regression", "result", "retry-plan", "quarantined-test",
        "run-logs", "log-patterns", "project", "run", "compare", "test", "tests", "triage", "failure-group", "trends", "level-changes",
        "receipt-level-change", "set-comparison", "flaky",
        "grid",
        "suites", "deliveries",
    ]

    @Test("each page with a list links to all of it, and every such link is an address of the API that gives a list")
    func links() throws {
        let pages = Dictionary(try PageGallery().pages().map { ($0.name, $0.html) }) { first, _ in first }
        for name in Self.lists { #expect(pages[name]?.contains("export=csv") == true, "\(name)") }
        let routes = GatewayProgram.routes.filter { $0.verb == .get && $0.lists.contains { $0.name == "data" } }
            .map { $0.path.description.split(separator: "/") }
        for (name, html) in pages {
            for link in html.components(separatedBy: #"<a href="/api/v1/"#).dropFirst() {
                let path = link.prefix { $0 != "?" && $0 != "\"" }.split(separator: "/")
                let isThere = routes.contains { route in
                    let route = route.starts(with: ["api", "v1"]) ? route.dropFirst(2) : route[...]
                    return route.count == path.count && zip(route, path).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
                }
                #expect(isThere || !link.prefix(400).contains("export="), "\(name): /\(path.joined(separator: "/"))")
            }
        }
    }
}
