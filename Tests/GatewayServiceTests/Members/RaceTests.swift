import Foundation
import GatewayAPI
import Postgres
import Primitives
import SwiftProtobuf
import TestSupport
import Testing

@testable import GatewayService

/// Fifty at once, two hundred times over: a constraint or a lock decides who was first, and everybody else is told (T104). Cancelling twice is
/// tested where runs are.
@Suite("races", .database(GatewayProgram.schema), .timeLimit(.minutes(5)))
struct RaceTests {
    private static let rounds = 200
    private static let callers = 50

    let stand = MemberStand()

    /// How often each outcome came: `done`, or the code of a refusal.
    private func outcomes(_ act: @escaping @Sendable (Int) async throws -> Void) async -> [String: Int] {
        await withTaskGroup(of: String.self) { group in
            for caller in 0..<Self.callers {
                group.addTask {
                    do {
                        try await act(caller)
                        return "done"
                    } catch {
                        return (error as? Fault)?.code ?? "\(error)"
                    }
                }
            }
            return await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
        }
    }

    @Test("of those who make a role of the same name one does")
    func create() async throws {
        let tenant = try await stand.organization(owner: stand.person())
        let roles = RoleStore(database: stand.database)
        for round in 0..<Self.rounds {
            let found = await outcomes { _ in _ = try await roles.insert(name: "Release", permissions: ["runs.read"], tenant: tenant) }
            #expect(found == ["done": 1, "roles.name_taken": Self.callers - 1], "round \(round)")
            try await stand.database.execute(.tenant(tenant), "delete from roles where tenant_id = \(tenant)")
        }
    }

    @Test("of those who accept the same invitation one does")
    func accept() async throws {
        let owner = try await stand.person()
        let tenant = try await stand.organization(owner: owner)
        let store = InvitationStore(database: stand.database)
        for round in 0..<Self.rounds {
            let token = try await stand.serve(as: owner, in: tenant) { client in
                try await PBInvitations.Client(wrapping: client).createInvitation(
                    .with {
                        $0.email = "race-\(round)-\(UUID().uuidString.lowercased())@example.com"
                        $0.role = "viewer"
                    }
                ).token
            }
            let offer = try #require(try await store.offer(token))
            let found = await outcomes { _ in _ = try await store.accept(token, offer: offer, name: "Ada") }
            #expect(found == ["done": 1, "invitation.invalid": Self.callers - 1], "round \(round)")
        }
    }

    @Test("of those who take the last seat one gets it")
    func lastSeat() async throws {
        let tenant = try await stand.organization(owner: stand.person())
        let members = MemberStore(database: stand.database)
        var waiting: [ID<User>] = []
        for _ in 0..<Self.callers { waiting.append(try await stand.member(.viewer, in: tenant)) }
        let people = waiting
        for round in 0..<Self.rounds {
            try await stand.database.execute(
                .tenant(tenant), "update users set deactivated_at = now() where tenant_id = \(tenant) and not is_owner")
            let found = await outcomes { caller in
                try await members.database.transaction(.tenant(tenant)) { tx in
                    try await members.lock(tenant, in: tx)
                    let member = try await members.get(people[caller], tenant: tenant, in: tx)
                    try await members.requireSeat(QuotaLimit(hard: 2, soft: 1), tenant: tenant, now: Date(), in: tx)
                    try await members.apply(.activate, to: member, tenant: tenant, in: tx)
                }
            }
            #expect(found == ["done": 1, "quota_exceeded": Self.callers - 1], "round \(round)")
        }
    }

    @Test("of those who change the same version of a member one does")
    func change() async throws {
        let owner = try await stand.person()
        let tenant = try await stand.organization(owner: owner)
        let member = try await stand.member(.viewer, in: tenant)
        let people = PeopleStore(database: stand.database)
        for round in 1...Self.rounds {
            let found = await outcomes { caller in
                _ = try await people.update(member, name: "Ada \(caller)", version: Int64(round), key: nil)
            }
            #expect(found == ["done": 1, "precondition_failed": Self.callers - 1], "round \(round)")
        }
    }
}
