import CommonAPI
import Foundation
import GRPCCore
import GatewayAPI
import Jobs
import Postgres
import Primitives
import ServiceKit
import SwiftProtobuf
import TestSupport

@testable import GatewayService

/// Organizations, members, roles and administration over RPC and a real database; whoever calls holds what production would give them.
struct MemberStand: Sendable {
    static let superAdmin = "root@example.com"

    let database: Database
    let security: SecurityLog
    let membership: Membership

    init() {
        database = TestDatabase.current.database
        security = SecurityLog(jobs: JobQueue(database: database), logger: .silent)
        membership = Membership(database: database, superAdmins: [Self.superAdmin], publicURL: "https://assay.example", security: security)
    }

    /// A person with an account; `verified` as if the mailed link had been opened.
    func person(_ email: String = "\(UUID().uuidString.lowercased())@example.com", verified: Bool = true) async throws -> ID<User> {
        let id = ID<User>.new()
        let time: Date? = verified ? Date() : nil
        try await database.execute(
            .system,
            "insert into people (id, email, name, email_verified_at) values (\(id), \(email), \("Person " + email), \(time))")
        return id
    }

    func email(of person: ID<User>) async throws -> String {
        try await database.one(.system, "select email from people where id = \(person)") { try $0.value("email") }
    }

    /// An organization that `owner` has made over the API.
    func organization(_ name: String = "Acme", owner: ID<User>) async throws -> ID<Tenant> {
        // Whoever belongs nowhere yet is signed in to their own.
        let alone = Caller(tenant: ID(uuid: owner.uuid), actor: owner.description, permissions: [])
        let made = try await serve(as: alone) { client in
            try await PBOrganizations.Client(wrapping: client).createOrganization(.with { $0.name = name })
        }
        return try ID<Tenant>(made.id)
    }

    /// A member, put there without asking anybody.
    func member(_ role: Role, in tenant: ID<Tenant>, isOwner: Bool = false) async throws -> ID<User> {
        let id = try await person()
        try await database.execute(
            .tenant(tenant),
            "insert into users (tenant_id, id, name, role, is_owner) values (\(tenant), \(id), \("Member"), \(role.rawValue), \(isOwner))")
        return id
    }

    func caller(_ person: ID<User>, in tenant: ID<Tenant>) async throws -> Caller {
        guard let identity = try await membership.members.identity(of: person, in: tenant) else {
            throw Fault(.internal, "test.no_member", "\(person) does not belong to \(tenant)")
        }
        return Caller(identity: Principal(identity).caller)
    }

    func serve<R: Sendable>(as caller: Caller, _ body: (InProcess.Client) async throws -> R) async throws -> R {
        try await InProcess.serve(membership.rpc, rules: GatewayContract.rules, as: caller, body)
    }

    func serve<R: Sendable>(as person: ID<User>, in tenant: ID<Tenant>, _ body: (InProcess.Client) async throws -> R) async throws -> R {
        try await serve(as: try await caller(person, in: tenant), body)
    }

    /// The code of the fault that a call ends with.
    func refusal<R: Sendable>(as person: ID<User>, in tenant: ID<Tenant>, _ call: (InProcess.Client) async throws -> R) async throws -> String {
        try await serve(as: person, in: tenant) { client in try await InProcess.fault { try await call(client) }.code }
    }

    func update(_ member: ID<User>, role: String? = nil, owner: Bool? = nil) -> PBUpdateMemberRequest {
        .with {
            $0.member = member.description
            if let role { $0.role = role }
            if let owner { $0.owner = owner }
        }
    }
}
