import Audit
import CommonAPI
import Contract
import Foundation
import GRPCCore
import Postgres
import Primitives
import ProjectsAPI
import ServiceKit
import SwiftProtobuf
import TestSupport
import Testing

/// A method that the contract says is audited cannot go without its entry.
@Suite(.database(Ledger.schema)) struct AuditCheckTests {
    private func create(_ behaviour: ForgetfulProjects.Behaviour) async throws -> PBProject {
        let caller = Caller(tenant: .new(), actor: "key_1", permissions: ["projects.create", "projects.write"])
        return try await InProcess.serve([ForgetfulProjects(behaviour: behaviour)], rules: ProjectsContract.rules, as: caller) { client in
            try await PBProjects.Client(wrapping: client).createProject(.with { $0.name = "n" })
        }
    }

    @Test("a successful call that left no entry fails, and the message says what to do")
    func forgotten() async throws {
        let fault = try await InProcess.fault { try await create(.forgets) }
        #expect(fault.code == "audit.entry_missing")
    }

    @Test("one that left its entry, or was a repetition, is answered")
    func settled() async throws {
        let audited = try await create(.audits)
        #expect(audited.id == "prj_1")
        let repeated = try await create(.repeats)
        #expect(repeated.id == "prj_1")
    }

    @Test("a call that is refused needs no entry")
    func refused() async throws {
        let fault = try await InProcess.fault { try await create(.refuses) }
        #expect(fault.code == "projects.slug_taken")
    }
}

private struct ForgetfulProjects: PBProjects.SimpleServiceProtocol {
    enum Behaviour { case audits, repeats, forgets, refuses }

    let behaviour: Behaviour
    private let database = TestDatabase.current.database

    init(behaviour: Behaviour) { self.behaviour = behaviour }

    func createProject(request: PBCreateProjectRequest, context: ServerContext) async throws -> PBProject {
        switch behaviour {
        case .audits: try await database.transaction(.tenant(Caller.current.tenant)) { tx in try await tx.audit("prj_1") }
        case .repeats: AuditedCall.changedNothing()
        case .forgets: break
        case .refuses: throw Fault(.conflict, "projects.slug_taken", "There is one.")
        }
        return .with { $0.id = "prj_1" }
    }

    func getProject(request: PBGetProjectRequest, context: ServerContext) async throws -> PBProject { .init() }
    func resolveProject(request: PBResolveProjectRequest, context: ServerContext) async throws -> PBProject { .init() }
    func listProjects(request: PBListProjectsRequest, context: ServerContext) async throws -> PBListProjectsResponse { .init() }
    func updateProject(request: PBUpdateProjectRequest, context: ServerContext) async throws -> PBProject { .init() }
}
