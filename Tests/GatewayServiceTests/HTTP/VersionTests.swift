import Foundation
import GatewayAPI
import Jobs
import Postgres
import Primitives
import ServiceKit
import SwiftProtobuf
import TestSupport
import Testing

@testable import GatewayService

/// The gateway's own objects: whoever changes one names the version that they have read (T105).
@Suite("versions", .database(GatewayProgram.schema, JobSchema.schema), .timeLimit(.minutes(2)))
struct VersionTests {
    /// Something that is changed at the path where it is read.
    private struct Object: Sendable {
        let verb: String
        let path: String
        /// A valid change, unlike that of any other number.
        let body: @Sendable (Int) -> String
        var isDeletable = true
    }

    /// With an administrator of the organization who is a super admin as well.
    private func with(_ body: (GatewayStand, APIClient, [Object]) async throws -> Void) async throws {
        let email = "root.\(UUID().uuidString.prefix(8).lowercased())@example.com"
        try await GatewayStand.with(settings: ["ASSAY_GATEWAY_SUPER_ADMINS": email]) { stand in
            _ = try await stand.makePerson(email)
            let (_, member) = try await stand.makePerson(role: .viewer)
            let root = stand.api(try await stand.login(email).string("access_token"))
            let role = try await root.post("/roles", ["name": "Readers", "permissions": ["runs.read"]]).string("id")
            let grant = "/members/\(member)/grants/\(FakeServices.project)"
            let given = try await root.send("PUT", grant, body: Data(#"{"role":"viewer"}"#.utf8), headers: Self.headers("*"))
            #expect(given.status == 200, "\(given.text)")
            try await body(
                stand, root,
                [
                    Object(verb: "PUT", path: grant, body: { #"{"role":"\#(["viewer", "validator", "qa_lead"][$0 % 3])"}"# }),
                    Object(verb: "PATCH", path: "/members/\(member)", body: { #"{"role":"\#(["viewer", "validator", "qa_lead"][$0 % 3])"}"# }),
                    Object(verb: "PATCH", path: "/roles/\(role)", body: { #"{"name":"Readers \#($0)"}"# }),
                    Object(verb: "PATCH", path: "/me/profile", body: { #"{"name":"Ann \#($0)"}"# }, isDeletable: false),
                    Object(
                        verb: "PUT", path: "/admin/organizations/\(stand.tenant)/quotas",
                        body: { #"{"overrides":[{"name":"uploads","hard_limit":\#($0 + 1000)}]}"# }, isDeletable: false),
                    Object(verb: "PATCH", path: "/organizations/\(stand.tenant)", body: { #"{"name":"Acme \#($0)"}"# }),
                ])
        }
    }

    private static func headers(_ tag: String?) -> [String: String] {
        ["Content-Type": "application/json"].merging(tag.map { ["If-Match": $0] } ?? [:]) { $1 }
    }

    @Test("a change names the version that was read: 428 without, 412 for another, and the answer's tag is good for the next")
    func changes() async throws {
        try await with { _, api, objects in
            for object in objects {
                func change(_ number: Int, _ tag: String?) async throws -> APIAnswer {
                    try await api.send(object.verb, object.path, body: Data(object.body(number).utf8), headers: Self.headers(tag))
                }
                let read = try await api.get(object.path)
                let tag = try #require(read.headers["etag"], "\(object.path): \(read.text)")
                #expect(tag.wholeMatch(of: /"[0-9]+\.[0-9a-z]+"/) != nil, "\(object.path): \(tag)")
                #expect(try await api.get(object.path, headers: ["If-None-Match": tag]).status == 304)
                let absent = try await change(1, nil)
                #expect(absent.status == 428 && absent.string("code") == "precondition_required", "\(object.path): \(absent.text)")
                for stale in ["\"77.x\"", "W/" + tag, "\"x\""] {
                    let refused = try await change(1, stale)
                    #expect(refused.status == 412 && refused.string("code") == "precondition_failed", "\(object.path): \(refused.text)")
                }
                #expect(try await api.get(object.path).body == read.body, "\(object.path): a refusal changes nothing")
                let first = try await change(1, tag)
                let next = try #require(first.headers["etag"], "\(object.path): \(first.text)")
                #expect(first.status == 200 && next != tag)
                #expect(try await change(2, tag).status == 412, "\(object.path): the version from before")
                #expect(try await change(2, next).status == 200, "\(object.path)")
                #expect(try await change(3, "*").status == 200, "\(object.path)")
            }
        }
    }

    @Test("of fifty who change the same version at the same moment one wins, and it is theirs that is there")
    func race() async throws {
        try await with { _, api, objects in
            for object in objects {
                let tag = try #require(try await api.get(object.path).headers["etag"])
                let answers = try await withThrowingTaskGroup(of: APIAnswer.self) { group in
                    for number in 1...50 {
                        group.addTask {
                            try await api.send(object.verb, object.path, body: Data(object.body(number).utf8), headers: Self.headers(tag))
                        }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                let won = answers.filter { $0.status == 200 }
                #expect(won.count == 1, "\(object.path): \(answers.map(\.status))")
                let lost = answers.filter { $0.status == 412 }
                #expect(lost.count == 49, "\(object.path): \(answers.filter { $0.status != 412 }.map(\.text))")
                #expect(try await api.get(object.path).headers["etag"] == won.first?.headers["etag"], "\(object.path)")
            }
        }
    }

    @Test("what has changed since it was read is not deleted")
    func deleting() async throws {
        try await with { stand, api, objects in
            // Of those that belong to a person only an owner deletes the organization.
            try await TestDatabase.current.database.execute(
                .tenant(stand.tenant), "update users set is_owner = true where tenant_id = \(stand.tenant) and role = 'org_admin'")
            for object in objects where object.isDeletable {
                let tag = try #require(try await api.get(object.path).headers["etag"])
                let changed = try await api.send(object.verb, object.path, body: Data(object.body(1).utf8), headers: Self.headers(tag))
                let next = try #require(changed.headers["etag"], "\(object.path): \(changed.text)")
                let refused = try await api.send("DELETE", object.path, body: nil, headers: ["If-Match": tag])
                #expect(refused.status == 412, "\(object.path): \(refused.text)")
                #expect(try await api.get(object.path).status == 200)
                let deleted = try await api.send("DELETE", object.path, body: nil, headers: ["If-Match": next])
                #expect(deleted.status == 204, "\(object.path): \(deleted.text)")
            }
        }
    }

    @Test("a grant that is not there has no version: only * makes one, and another version of none is refused")
    func absent() async throws {
        try await with { _, api, objects in
            let path = try #require(objects.first).path
            #expect(try await api.send("DELETE", path, body: nil).status == 204)
            let body = Data(#"{"role":"viewer"}"#.utf8)
            #expect(try await api.get(path).string("code") == "grant.not_found")
            #expect(try await api.send("PUT", path, body: body, headers: Self.headers("\"1.x\"")).status == 412)
            #expect(try await api.send("DELETE", path, body: nil, headers: ["If-Match": "\"1.x\""]).status == 412)
            #expect(try await api.send("DELETE", path, body: nil).status == 204)
            #expect(try await api.send("PUT", path, body: body, headers: Self.headers("*")).status == 200)
        }
    }

    @Test("a change that is repeated after a crash is told as the first time, though its version is no longer the latest")
    func repetition() async throws {
        let stand = MemberStand()
        let owner = try await stand.person()
        let tenant = try await stand.organization(owner: owner)
        let member = try await stand.member(.viewer, in: tenant)
        let role = try await RoleStore(database: stand.database).insert(name: "R", permissions: ["runs.read"], tenant: tenant)
        let caller = Caller(identity: try await stand.caller(owner, in: tenant).identity, idempotencyKey: UUID().uuidString)
        try await stand.serve(as: caller) { client in
            var request = stand.update(member, role: "qa_lead")
            request.version = 1
            let members = PBMembers.Client(wrapping: client)
            let once = try await members.updateMember(request)
            let twice = try await members.updateMember(request)
            #expect(once.version == 2 && twice == once)
            let roles = PBRoles.Client(wrapping: client)
            let renaming = PBUpdateRoleRequest.with {
                $0.role = role.id.description
                $0.name = "S"
                $0.version = 1
            }
            let renamed = try await roles.updateRole(renaming)
            let again = try await roles.updateRole(renaming)
            #expect(renamed.version == 2 && again == renamed)
            let organizations = PBOrganizations.Client(wrapping: client)
            let change = PBUpdateOrganizationRequest.with {
                $0.organization = tenant.description
                $0.name = "Z"
                $0.version = 1
            }
            let changed = try await organizations.updateOrganization(change)
            #expect(changed.version == 2 && changed.name == "Z")
            #expect(try await organizations.updateOrganization(change) == changed)
        }
        let people = PeopleStore(database: stand.database)
        let named = try await people.update(owner, name: "N", version: 1, key: "k")
        let repeated = try await people.update(owner, name: "N", version: 1, key: "k")
        #expect(named.version == 2 && repeated.version == 2)
        await #expect(throws: Fault.versionStale) { try await people.update(owner, name: "N", version: 1, key: "l") }
    }
}
