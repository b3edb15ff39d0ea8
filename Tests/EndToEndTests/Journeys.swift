import Foundation
import Primitives
import TestSupport
import Testing

/// What the journeys of this target have in common: making things through the public API, as a user would.
struct Journey {
    let stack: Stack
    let api: APIClient

    init(_ stack: Stack) {
        self.init(stack, api: APIClient(stack))
    }

    init(_ stack: Stack, api: APIClient) {
        self.stack = stack
        self.api = api
    }

    /// A project's slug.
    func makeProject(named name: String = "Project") async throws -> String {
        let slug = "p-" + UUID().uuidString.prefix(8).lowercased()
        let answer = try await api.post("/projects", ["name": "\(name) \(slug)", "slug": slug])
        try #require(answer.status == 201, "\(answer.text)")
        return slug
    }

    /// JUnit XML of `count` cases, every `failing`th of which fails with `message`.
    static func report(count: Int, failing: Int, message: String = "connection refused", name: String = "case") -> Data {
        var text = "<?xml version=\"1.0\"?>\n<testsuites><testsuite name=\"suite\">\n"
        for index in 0..<count {
            text += "<testcase classname=\"a.B\" name=\"\(name) \(index)\" time=\"0.0\(index % 10)\""
            text += failing > 0 && index % failing == 0 ? "><failure message=\"\(message)\" type=\"Error\">trace</failure></testcase>\n" : "/>\n"
        }
        return Data((text + "</testsuite></testsuites>\n").utf8)
    }

    /// An incident as the search for one leaves it: the search itself takes a minute or two.
    /// - Parameter project: its id.
    func makeIncident(in project: String) async throws -> String {
        enum Incident: Identified { static let idPrefix = "inc" }
        enum Project: Identified { static let idPrefix = "prj" }
        let (incident, tenant) = (ID<Incident>.new(), try await ID<Tenant>(api.get("/me").string("organization")))
        try await stack.sql(
            """
            insert into analytics.environment_incidents (
                tenant_id, id, project_id, kind, place, state, tests, groups, compared, there, expected, chance, input_hash, edition, failures, from_at,
                to_at, tried, numbers_hash, looked_at)
            values (
                '\(tenant.uuid)', '\(incident.uuid)', '\(try ID<Project>(project).uuid)', 'host', 'runner-7', 'standing', 9, 5, 6, 5, 1.2, 0.0001, 1, 2,
                9, now(), now(), 12, 1, now())
            """)
        return incident.description
    }

    /// A change of level as the search for them leaves it: there is none without days that are over.
    /// - Parameter project: its id.
    func makeLevelChange(in project: String) async throws -> String {
        enum Change: Identified { static let idPrefix = "tch" }
        enum Project: Identified { static let idPrefix = "prj" }
        let (change, tenant) = (ID<Change>.new(), try await ID<Tenant>(api.get("/me").string("organization")))
        try await stack.sql(
            """
            insert into analytics.trend_changes (
                tenant_id, id, project_id, dimension, value, figure, day, level_before, level_after, found_at, edition, input_hash, input, looked_at)
            values (
                '\(tenant.uuid)', '\(change.uuid)', '\(try ID<Project>(project).uuid)', 'all', '', 'pass_rate', current_date - 9, 0.98, 0.9, now(), 1,
                1, to_char(current_date - 9, 'YYYY-MM-DD') || ' 9/10 ', now())
            """)
        return change.description
    }

    func upload(_ report: Data, to project: String, query: String = "wait=30", headers: [String: String] = [:]) async throws -> APIAnswer {
        try await api.send(
            "POST", "/projects/\(project)/uploads?\(query)", body: report, headers: ["Content-Type": "application/xml"].merging(headers) { $1 })
    }

    /// A suite of `count` cases that ask `url`, and expect 200.
    func makeSuite(in project: String, count: Int, named name: String = "suite", url: String) async throws -> String {
        let suite = try await api.post("/projects/\(project)/suites", ["name": "\(name) \(UUID().uuidString)", "variables": ["base": url]])
        try #require(suite.status == 201, "\(suite.text)")
        let id = suite.string("id")
        for index in 0..<count {
            let made = try await api.post(
                "/suites/\(id)/cases",
                [
                    "name": "case \(index)",
                    "http": [
                        "url": "{{base}}/\(index)",
                        "assertions": [["source": "STATUS", "comparison": "EQUALS", "target": "200"]],
                    ] as [String: Any],
                ])
            try #require(made.status == 201, "\(made.text)")
        }
        return id
    }

    /// Reads a run until it is finished, also while services come and go.
    func finished(_ run: String, within limit: Duration = .seconds(90)) async throws -> APIAnswer {
        let deadline = ContinuousClock.now + limit
        while true {
            if let answer = try? await api.get("/runs/\(run)?wait=5"), answer.status == 200,
                !["QUEUED", "RUNNING"].contains(answer.string("state"))
            {
                return answer
            }
            guard ContinuousClock.now < deadline else {
                throw StackUnfinished(run: run, answer: (try? await api.get("/runs/\(run)"))?.text ?? "no answer")
            }
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    /// Every result of a run, through all pages.
    func results(of run: String) async throws -> [[String: Any]] {
        var all: [[String: Any]] = []
        var cursor = ""
        repeat {
            let page = try await api.get("/runs/\(run)/results?limit=200" + (cursor.isEmpty ? "" : "&cursor=\(cursor)"))
            try #require(page.status == 200, "\(page.text)")
            all += page["data"] as? [[String: Any]] ?? []
            cursor = page.string("page.next_cursor")
        } while !cursor.isEmpty
        return all
    }
}

struct StackUnfinished: Error, CustomStringConvertible {
    let run: String
    let answer: String
    var description: String { "run \(run) is not finished: \(answer)" }
}
