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

/// The service as its callers see it, over a real database.
@Suite(.database(ProjectsProgram.schema))
struct ProjectTests {
    let tenant = ID<Tenant>.new()

    private func serve<R: Sendable>(as caller: Caller? = nil, _ body: (InProcess.Client) async throws -> R) async throws -> R {
        let database = TestDatabase.current.database
        let suites = SuiteStore(database: database)
        let fields = CaseFieldStore(database: database)
        let cases = CaseStore(database: database, fields: fields)
        return try await InProcess.serve(
            [
                ProjectsRPC(projects: ProjectStore(database: database)), SuitesRPC(suites: suites, cases: cases),
                CasesRPC(suites: suites, cases: cases, fields: fields),
            ],
            rules: ProjectsContract.rules, as: caller ?? .service("gateway", tenant: tenant), body)
    }

    private func project(_ client: InProcess.Client, _ name: String = "Shop") async throws -> PBProject {
        try await PBProjects.Client(wrapping: client).createProject(.with { $0.name = name })
    }

    private func suite(_ client: InProcess.Client, in project: PBProject, name: String = "Smoke") async throws -> PBSuite {
        try await PBSuites.Client(wrapping: client).createSuite(
            .with {
                $0.project = project.id
                $0.name = name
                $0.variables = ["base": "http://127.0.0.1"]
            })
    }

    private func newCase(_ suite: PBSuite, name: String, _ change: (inout PBHTTPCase) -> Void = { _ in }) -> PBCreateCaseRequest {
        .with {
            $0.suite = suite.id
            $0.name = name
            $0.http.url = "{{base}}/health"
            change(&$0.http)
        }
    }

    @Test("a project is found by its id and by its slug")
    func resolve() async throws {
        try await serve { client in
            let projects = PBProjects.Client(wrapping: client)
            let made = try await project(client, "Überblick (neu)")
            #expect(made.slug == "uberblick-neu" && made.defaultBranch == "main")
            #expect(try await projects.resolveProject(.with { $0.project = made.id }) == made)
            #expect(try await projects.resolveProject(.with { $0.project = "uberblick-neu" }) == made)
            for text in ["prj_00000000000000000000000000", "no-such", "../x", ""] {
                #expect(try await InProcess.fault { try await projects.resolveProject(.with { $0.project = text }) }.kind == .notFound)
            }
        }
    }

    @Test("a name without any letter that fits into a slug gets one all the same")
    func spareSlug() async throws {
        try await serve { client in
            let made = try await project(client, "統合テスト")
            #expect(made.slug.wholeMatch(of: /project-[0-9a-z]{8}/) != nil, "\(made.slug)")
            #expect(try await PBProjects.Client(wrapping: client).getProject(.with { $0.project = made.slug }) == made)
        }
    }

    @Test("a slug that is taken is a conflict; of many at once one wins")
    func slugTaken() async throws {
        try await serve { client in
            let codes = await withTaskGroup(of: String.self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        do {
                            _ = try await project(client)
                            return "made"
                        } catch {
                            return (error as? RPCError).map { Fault($0).code } ?? "\(error)"
                        }
                    }
                }
                return await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
            }
            #expect(codes == ["made": 1, "projects.slug_taken": 19])
        }
    }

    @Test("the same idempotency key makes one project")
    func idempotent() async throws {
        let caller = Caller(tenant: tenant, actor: "key_1", permissions: ["projects.create"], idempotencyKey: "k-1")
        try await serve(as: caller) { client in
            let first = try await project(client)
            let second = try await PBProjects.Client(wrapping: client).createProject(
                .with {
                    $0.name = "Shop"; $0.slug = "other"
                })
            #expect(first == second)
        }
    }

    @Test("projects are listed newest first, in pages, and only those that a bound key may see")
    func list() async throws {
        let made = try await serve { client in
            try await [project(client, "One"), project(client, "Two"), project(client, "Three")]
        }
        try await serve { client in
            let projects = PBProjects.Client(wrapping: client)
            let first = try await projects.listProjects(.with { $0.limit = 2 })
            let second = try await projects.listProjects(
                .with {
                    $0.limit = 2; $0.cursor = first.page.nextCursor
                })
            #expect((first.data + second.data).map(\.name) == ["Three", "Two", "One"] && !second.page.hasMore_p)
            #expect(try await InProcess.fault { try await projects.listProjects(.with { $0.limit = 201 }) }.code == "page.limit_out_of_range")
            #expect(try await InProcess.fault { try await projects.listProjects(.with { $0.cursor = "x" }) }.code == "page.invalid_cursor")
        }
        let bound = Caller(tenant: tenant, actor: "key_1", permissions: ["projects.read"], projects: [try ID<Project>(made[1].id).uuid])
        try await serve(as: bound) { client in
            let projects = PBProjects.Client(wrapping: client)
            let listed = try await projects.listProjects(PBListProjectsRequest())
            #expect(listed.data.map(\.name) == ["Two"])
            let fault = try await InProcess.fault { try await projects.getProject(.with { $0.project = made[0].id }) }
            #expect(fault.kind == .notFound)
        }
    }

    @Test("whoever may write in certain projects changes those, and makes none")
    func confined() async throws {
        let made = try await serve { client in try await [project(client, "Mine"), project(client, "Theirs")] }
        let mine = try ID<Project>(made[0].id).uuid
        let callers = [
            Caller(tenant: tenant, actor: "key_1", permissions: ["projects.read", "projects.create", "projects.write"], projects: [mine]),
            Caller(tenant: tenant, actor: "usr_1", permissions: [], grants: ProjectGrants([mine: ["projects.read", "projects.write"]])),
        ]
        for caller in callers {
            try await serve(as: caller) { client in
                let projects = PBProjects.Client(wrapping: client)
                let changed = try await projects.updateProject(
                    .with {
                        $0.project = made[0].id; $0.description_p = "changed"
                    })
                #expect(changed.description_p == "changed")
                let refused = try await InProcess.fault {
                    try await projects.updateProject(
                        .with {
                            $0.project = made[1].id; $0.name = "x"
                        })
                }
                #expect(refused.code == "project.not_found")
                #expect(try await projects.listProjects(PBListProjectsRequest()).data.map(\.name) == ["Mine"])
                let making = try await InProcess.fault { try await project(client, "New") }
                #expect(making.kind == .forbidden && ["permission.projects_only", "permission.missing"].contains(making.code))
            }
        }
    }

    @Test("a suite's plan holds its cases in the order of their making, with what was said and what follows from it")
    func plan() async throws {
        try await serve { client in
            let shop = try await project(client)
            let smoke = try await suite(client, in: shop)
            let cases = PBCases.Client(wrapping: client)
            let suites = PBSuites.Client(wrapping: client)
            #expect(
                try await InProcess.fault {
                    try await suites.getPlan(
                        .with {
                            $0.suite = smoke.id; $0.project = shop.id
                        })
                }.code == "suites.empty")
            for name in ["a", "b", "c"] {
                _ = try await cases.createCase(
                    newCase(smoke, name: name) {
                        $0.assertions = [
                            .with {
                                $0.source = .json; $0.property = "$.ok"; $0.comparison = .equals; $0.target = "true"
                            }
                        ]
                    })
            }
            let plan = try await suites.getPlan(
                .with {
                    $0.suite = smoke.id; $0.project = shop.id
                })
            #expect(plan.cases.map(\.name) == ["a", "b", "c"] && plan.suite.caseCount == 3 && plan.suite.variables == ["base": "http://127.0.0.1"])
            #expect(plan.cases[0].http.method == "GET" && plan.cases[0].http.timeoutMs == 30_000 && plan.cases[0].http.assertions[0].source == .json)
            let other = try await project(client, "Other")
            #expect(
                try await InProcess.fault {
                    try await suites.getPlan(
                        .with {
                            $0.suite = smoke.id; $0.project = other.id
                        })
                }.kind == .notFound)

            _ = try await cases.deleteCase(.with { $0.case = plan.cases[1].id })
            #expect(try await cases.listCases(.with { $0.suite = smoke.id }).data.map(\.name) == ["a", "c"])
            #expect(try await InProcess.fault { try await cases.getCase(.with { $0.case = plan.cases[1].id }) }.kind == .notFound)
            #expect(try await InProcess.fault { try await cases.createCase(newCase(smoke, name: "a")) }.code == "cases.name_taken")
        }
    }

    @Test("a case that cannot be carried out is refused with the field that is wrong")
    func refused() async throws {
        try await serve { client in
            let smoke = try await suite(client, in: try await project(client))
            let cases = PBCases.Client(wrapping: client)
            let wrong: [(String, (inout PBHTTPCase) -> Void)] = [
                ("/http/url", { $0.url = "ftp://example.com" }), ("/http/url", { $0.url = "" }), ("/http/url", { $0.url = "http://a b" }),
                ("/http/url", { $0.url = "http://a\r\nHost: b" }), ("/http/method", { $0.method = "get" }), ("/http/method", { $0.method = "TRACE" }),
                ("/http/method", { $0.method = "GET\r\n" }), ("/http/timeout_ms", { $0.timeoutMs = 300_001 }),
                ("/http/timeout_ms", { $0.timeoutMs = -1 }),
                ("/http/headers/0/name", { $0.headers = [.with { $0.name = "a b" }] }),
                (
                    "/http/headers/0/value",
                    {
                        $0.headers = [
                            .with {
                                $0.name = "a"; $0.value = "x\ny"
                            }
                        ]
                    }
                ),
                ("/http/variables/1x", { $0.variables = ["1x": ""] }),
                ("/http/assertions/0/source", { $0.assertions = [PBAssertion()] }),
                (
                    "/http/assertions/0/target",
                    {
                        $0.assertions = [
                            .with {
                                $0.source = .status; $0.comparison = .equals; $0.target = "ok"
                            }
                        ]
                    }
                ),
                (
                    "/http/assertions/0/comparison",
                    {
                        $0.assertions = [
                            .with {
                                $0.source = .status; $0.comparison = .exists
                            }
                        ]
                    }
                ),
                (
                    "/http/assertions/0/property",
                    {
                        $0.assertions = [
                            .with {
                                $0.source = .json; $0.comparison = .exists; $0.property = "a"
                            }
                        ]
                    }
                ),
                (
                    "/http/assertions",
                    {
                        $0.assertions = Array(
                            repeating: .with {
                                $0.source = .body; $0.comparison = .exists
                            }, count: 101)
                    }
                ),
            ]
            for (pointer, change) in wrong {
                let fault = try await InProcess.fault { try await cases.createCase(newCase(smoke, name: UUID().uuidString, change)) }
                #expect(fault.kind == .invalid && fault.fields.first?.pointer == pointer, "\(pointer): \(fault)")
            }
        }
    }

    @Test("another organization's projects, suites and cases do not exist, and tables hold tenants apart")
    func isolation() async throws {
        let (shop, smoke) = try await serve { client in
            let shop = try await project(client)
            return (shop, try await suite(client, in: shop))
        }
        try await serve(as: .service("gateway", tenant: .new())) { client in
            let fault = try await InProcess.fault { try await PBProjects.Client(wrapping: client).getProject(.with { $0.project = shop.slug }) }
            #expect(fault.kind == .notFound)
            #expect(
                try await InProcess.fault { try await PBSuites.Client(wrapping: client).getSuite(.with { $0.suite = smoke.id }) }.kind == .notFound)
            #expect(try await InProcess.fault { try await PBCases.Client(wrapping: client).createCase(newCase(smoke, name: "x")) }.kind == .notFound)
            #expect(try await InProcess.fault { try await suite(client, in: shop) }.kind == .notFound)
        }
        try await assertRowLevelSecurity(adminURL: TestDatabase.current.adminURL, schema: "projects")
    }

    @Test("of fifty changes to one version exactly one is carried out (T104, T105)")
    func lostUpdate() async throws {
        try await serve { client in
            let projects = PBProjects.Client(wrapping: client)
            let made = try await project(client)
            #expect(made.version == 1)
            for version in Int64(1)...3 {
                let codes = await withTaskGroup(of: String.self) { group in
                    for index in 0..<50 {
                        group.addTask {
                            do {
                                let changed = try await projects.updateProject(
                                    .with {
                                        $0.project = made.id
                                        $0.name = "Writer \(index)"
                                        $0.version = version
                                    })
                                return changed.version == version + 1 ? "won" : "odd"
                            } catch {
                                return (error as? RPCError).map { Fault($0).code } ?? "\(error)"
                            }
                        }
                    }
                    return await group.reduce(into: []) { $0.append($1) }
                }
                #expect(codes.filter { $0 == "won" }.count == 1 && codes.filter { $0 == "precondition_failed" }.count == 49, "\(codes)")
            }
            let unconditional = try await projects.updateProject(
                .with {
                    $0.project = made.id
                    $0.description_p = "Whatever it was."
                })
            #expect(unconditional.version == 5)
            let gone = try await InProcess.fault {
                try await projects.updateProject(
                    .with {
                        $0.project = "prj_00000000000000000000000000"
                        $0.version = 1
                    })
            }
            #expect(gone.code == "project.not_found")
        }
    }

    @Test("a change that is repeated under its idempotency key is carried out once")
    func repeatedChange() async throws {
        let maker = Caller.service("gateway", tenant: tenant)
        let made = try await serve { try await project($0) }
        let keyed = Caller(identity: maker.identity, idempotencyKey: "k")
        try await serve(as: keyed) { client in
            let projects = PBProjects.Client(wrapping: client)
            let change = PBUpdateProjectRequest.with {
                $0.project = made.id
                $0.name = "Once"
                $0.version = 1
            }
            let first = try await projects.updateProject(change)
            let second = try await projects.updateProject(change)
            #expect(first == second && first.version == 2)
        }
    }
}
