import CommonAPI
import Foundation
import GRPCCore
import Primitives
import ProjectsAPI
import ServiceKit
import SwiftProtobuf
import TestSupport
import Testing

@testable import ProjectsService

/// Custom fields of cases: what a project says that there are, and what its cases say (P50).
@Suite(.database(ProjectsProgram.schema))
struct CaseFieldTests {
    /// A project with a suite and fields of every type, and those who ask about it.
    private struct Clients {
        let tenant: ID<Tenant>
        let project: String
        let suite: String
        let fields: PBCaseFieldDefinitions.Client<InProcess.Transport>
        let cases: PBCases.Client<InProcess.Transport>
        let suites: PBSuites.Client<InProcess.Transport>

        @discardableResult
        func make(_ name: String, _ values: [String: String], in other: String? = nil) async throws -> PBCase {
            try await cases.createCase(
                .with {
                    $0.suite = other ?? suite
                    $0.name = name
                    $0.http.url = "http://127.0.0.1"
                    $0.fields = values
                })
        }

        func change(_ made: PBCase, _ values: [String: String] = [:], name: String? = nil, version: Int64? = nil) async throws -> PBCase {
            try await cases.updateCase(
                .with {
                    $0.case = made.id
                    $0.version = version ?? made.version
                    $0.fields = values
                    if let name { $0.name = name }
                })
        }

        func find(_ filters: String..., limit: Int32 = 50, cursor: String = "") async throws -> PBListCasesResponse {
            try await cases.listProjectCases(
                .with {
                    $0.project = project
                    $0.field = filters
                    $0.limit = limit
                    $0.cursor = cursor
                })
        }
    }

    private static let definitions: [PBCaseField] = [
        field("priority", .choice, ["Low", "High"]), field("estimate", .number), field("automated", .boolean), field("due", .date),
        field("note/1", .text),
    ]

    private static func field(_ key: String, _ type: PBCaseField.TypeEnum, _ choices: [String] = []) -> PBCaseField {
        .with {
            $0.key = key
            $0.type = type
            $0.choices = choices
        }
    }

    private func serve(_ key: String? = nil, tenant: ID<Tenant> = .new(), _ body: (Clients) async throws -> Void) async throws {
        let database = TestDatabase.current.database
        let (suites, fields) = (SuiteStore(database: database), CaseFieldStore(database: database))
        let cases = CaseStore(database: database, fields: fields)
        let caller = Caller(identity: Caller.service("gateway", tenant: tenant).identity, idempotencyKey: key)
        try await InProcess.serve(
            [
                ProjectsRPC(projects: ProjectStore(database: database)), SuitesRPC(suites: suites, cases: cases),
                CasesRPC(suites: suites, cases: cases, fields: fields), CaseFieldsRPC(fields: fields),
            ], rules: ProjectsContract.rules, as: caller
        ) { client in
            let project = try await PBProjects.Client(wrapping: client).createProject(.with { $0.name = "Shop" }).id
            let suite = try await PBSuites.Client(wrapping: client).createSuite(
                .with {
                    $0.project = project
                    $0.name = "Smoke"
                }
            ).id
            let clients = Clients(
                tenant: tenant, project: project, suite: suite, fields: .init(wrapping: client), cases: .init(wrapping: client),
                suites: .init(wrapping: client))
            _ = try await clients.fields.putCaseFields(
                .with {
                    $0.project = project
                    $0.fields = Self.definitions
                })
            try await body(clients)
        }
    }

    @Test("fields come back as they were put, also as a JSON Schema; what cannot be one is refused by its place")
    func definitions() async throws {
        try await serve { clients in
            let stored = try await clients.fields.getCaseFields(.with { $0.project = clients.project })
            #expect(stored.fields == Self.definitions && stored.version == 2 && stored.hasUpdatedAt)
            let schema = try await clients.fields.getCaseFieldsSchema(.with { $0.project = clients.project })
            let json = try #require(try JSONSerialization.jsonObject(with: schema.jsonUTF8Data()) as? [String: Any])
            let properties = try #require(json["properties"] as? [String: [String: Any]])
            #expect(json["type"] as? String == "object" && json["additionalProperties"] as? Bool == false && properties.count == 5)
            #expect(properties["priority"]?["enum"] as? [String] == ["Low", "High"] && properties["due"]?["format"] as? String == "date")
            #expect(properties["automated"]?["enum"] as? [String] == ["true", "false"] && properties["note/1"]?["maxLength"] as? Int == 500)
            for (fields, place) in [
                ([Self.field("a:b", .text)], "/fields/0/key"), ([Self.field("", .text)], "/fields/0/key"),
                ([Self.field("a\n", .text)], "/fields/0/key"), ([Self.field("a", .unspecified)], "/fields/0/type"),
                ([Self.field("a", .choice)], "/fields/0/choices"), ([Self.field("a", .text, ["x"])], "/fields/0/choices"),
                ([Self.field("a", .choice, [""])], "/fields/0/choices"),
                ([Self.field("a", .text), Self.field("a", .number)], "/fields/1/key"),
                ((0...CaseField.most).map { Self.field("f\($0)", .text) }, "/fields"),
            ] {
                let fault = try await InProcess.fault {
                    try await clients.fields.putCaseFields(
                        .with {
                            $0.project = clients.project
                            $0.fields = fields
                        })
                }
                #expect(fault.kind == .invalid && fault.fields.map(\.pointer) == [place], "\(place): \(fault)")
            }
            let stale = try await InProcess.fault {
                try await clients.fields.putCaseFields(
                    .with {
                        $0.project = clients.project
                        $0.version = 1
                    })
            }
            #expect(stale.code == "precondition_failed")
        }
    }

    @Test("values are written as their fields write them; what is none of a field's is refused, when a case is made and when it is changed")
    func values() async throws {
        try await serve { clients in
            let made = try await clients.make(
                "a", ["priority": "high", "estimate": "08.50", "automated": "Yes", "due": "2026-03-01", "note/1": "as is"])
            let expected = ["priority": "High", "estimate": "8.5", "automated": "true", "due": "2026-03-01", "note/1": "as is"]
            #expect(made.fields == expected && made.version == 1)
            #expect(try await clients.cases.getCase(.with { $0.case = made.id }) == made)
            let plan = try await clients.suites.getPlan(
                .with {
                    $0.suite = clients.suite
                    $0.project = clients.project
                })
            #expect(plan.cases.map(\.fields) == [expected])
            for (key, value, pointer) in [
                ("priority", "urgent", "/fields/priority"), ("estimate", "three", "/fields/estimate"), ("automated", "maybe", "/fields/automated"),
                ("due", "2026-02-30", "/fields/due"), ("note/1", "two\nlines", "/fields/note~11"),
                ("note/1", String(repeating: "é", count: 501), "/fields/note~11"), ("unheard-of", "x", "/fields/unheard-of"),
            ] {
                let refused = try await InProcess.fault { _ = try await clients.make("b", [key: value]) }
                #expect(refused.kind == .invalid && refused.fields.map(\.pointer) == [pointer], "\(key): \(refused)")
                let unchanged = try await InProcess.fault { _ = try await clients.change(made, [key: value]) }
                #expect(unchanged.fields.map(\.pointer) == [pointer])
            }
            let longest = String(repeating: "🙂", count: 500)
            #expect(try await clients.make("longest", ["note/1": longest]).fields == ["note/1": longest])
        }
    }

    @Test("a change raises the version, sets what it names and takes away what it empties; of two on one version one is told")
    func changes() async throws {
        try await serve { clients in
            let made = try await clients.make("a", ["priority": "low", "estimate": "1"])
            let changed = try await clients.change(made, ["priority": "", "estimate": "2"], name: "b")
            #expect(changed.fields == ["estimate": "2"] && changed.name == "b" && changed.version == 2 && changed.http == made.http)
            #expect(try await clients.find("priority:low").data.isEmpty)
            #expect(try await clients.find("estimate:2.0").data == [changed])
            let codes = await withTaskGroup(of: String.self) { group in
                for number in 0..<10 {
                    group.addTask {
                        do {
                            _ = try await clients.change(changed, ["estimate": "\(number)"])
                            return "won"
                        } catch {
                            return (error as? RPCError).map { Fault($0).code } ?? "\(error)"
                        }
                    }
                }
                return await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
            }
            #expect(codes == ["won": 1, "precondition_failed": 9])
            try await clients.make("taken", [:])
            let taken = try await InProcess.fault { _ = try await clients.change(changed, name: "taken", version: 0) }
            #expect(taken.code == "cases.name_taken")
            let refused = try await InProcess.fault {
                try await clients.cases.updateCase(
                    .with {
                        $0.case = changed.id
                        $0.http.url = "ftp://x"
                    })
            }
            #expect(refused.fields.map(\.pointer) == ["/http/url"])
            // What a project does not have any more stays, until it is taken away.
            _ = try await clients.fields.putCaseFields(.with { $0.project = clients.project })
            let kept = try await clients.change(changed, name: "c", version: 0)
            #expect(kept.fields.keys.sorted() == ["estimate"])
            #expect(try await clients.change(kept, ["estimate": ""]).fields.isEmpty)
        }
    }

    @Test("a change that is repeated under its idempotency key is carried out once")
    func repeated() async throws {
        let tenant = ID<Tenant>.new()
        try await serve(tenant: tenant) { clients in
            let made = try await clients.make("a", [:])
            let caller = Caller(identity: Caller.service("gateway", tenant: tenant).identity, idempotencyKey: "k")
            try await Caller.with(caller) {
                let first = try await clients.change(made, ["priority": "low"])
                let second = try await clients.change(made, ["priority": "low"])
                #expect(first == second && first.version == 2)
            }
        }
    }

    @Test("cases are found by their fields across suites, in pages, and are not when they are gone")
    func search() async throws {
        try await serve { clients in
            let other = try await clients.suites.createSuite(
                .with {
                    $0.project = clients.project
                    $0.name = "Other"
                }
            ).id
            var made: [PBCase] = []
            for number in 0..<5 {
                made.append(
                    try await clients.make(
                        "c\(number)", ["priority": number == 2 ? "low" : "high", "automated": number > 2 ? "true" : "false"],
                        in: number % 2 == 0 ? clients.suite : other))
            }
            let first = try await clients.find("priority:HIGH", limit: 3)
            let second = try await clients.find("priority:high", limit: 3, cursor: first.page.nextCursor)
            #expect(first.data.map(\.name) == ["c0", "c1", "c3"] && second.data.map(\.name) == ["c4"] && !second.page.hasMore_p)
            #expect(try await clients.find("priority:high", "automated:yes").data.map(\.name) == ["c3", "c4"])
            let ofSuite = try await clients.cases.listCases(
                .with {
                    $0.suite = clients.suite
                    $0.field = ["automated:false", "priority:high"]
                })
            #expect(ofSuite.data.map(\.name) == ["c0"])
            _ = try await clients.cases.deleteCase(.with { $0.case = made[3].id })
            #expect(try await clients.find("priority:high", "automated:yes").data.map(\.name) == ["c4"])
            let many = Array(repeating: "priority:low", count: CaseFieldFilter.most + 1)
            for filters in [[], ["priority"], ["priority:"], [":x"], ["priority:urgent"], ["unheard-of:x"], many] {
                let fault = try await InProcess.fault {
                    try await clients.cases.listProjectCases(
                        .with {
                            $0.project = clients.project
                            $0.field = filters
                        })
                }
                #expect(fault.kind == .invalid && fault.fields.map(\.pointer) == ["field"], "\(filters)")
            }
        }
        // Another organization's cases are in no list.
        try await serve { clients in
            let found = try await clients.find("priority:high")
            #expect(found.data.isEmpty)
        }
    }
}
