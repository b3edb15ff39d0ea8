import Crypto
import Foundation
import GRPCCore
import HealthAPI
import Primitives
import SwiftProtobuf
import TestSupport
import Testing

@testable import ServiceKit

/// What somebody may do in single projects, on top of what they may do everywhere.
@Suite struct ProjectGrantTests {
    static let here = UUID()
    static let there = UUID()
    static let grants = ProjectGrants([here: ["runs.read", "runs.trigger"], there: ["runs.read"]])

    @Test("a token carries grants and impersonator")
    func roundTrip() throws {
        let key = SymmetricKey(data: Data(repeating: 7, count: 32))
        let identity = CallerIdentity(
            tenant: .new(), actor: "usr_1", permissions: ["organization.read"], grants: Self.grants, impersonator: "usr_2")
        let now = Date()
        let text = try CallerToken(identity, issuer: "gateway", audience: "execution", expires: now + 60).signed(with: key)
        let read = try CallerToken(text, audience: "execution", keys: [key], now: now).identity()
        #expect(read.grants == Self.grants && read.impersonator == "usr_2" && read.permissions == ["organization.read"])
    }

    @Test("two hundred grants of everything a project knows fit into a token beside an administrator's permissions")
    func size() throws {
        let words = Set((0..<30).map { "permission.word_\($0)" })
        let grants = ProjectGrants(Dictionary(uniqueKeysWithValues: (0..<200).map { _ in (UUID(), words) }))
        let identity = CallerIdentity(
            tenant: .new(), actor: "usr_" + String(repeating: "0", count: 26), permissions: Set((0..<45).map { "permission.org_\($0)" }),
            grants: grants, impersonator: "usr_" + String(repeating: "1", count: 26))
        let key = SymmetricKey(data: Data(repeating: 7, count: 32))
        let text = try CallerToken(identity, issuer: "gateway", audience: "notifications", expires: Date() + 60).signed(with: key)
        #expect(try CallerToken(text, audience: "notifications", keys: [key], now: Date()).identity().grants == grants)
    }

    @Test("more words than a token has bits for are a fault of ours, not grants that are left out")
    func tooManyWords() {
        let identity = CallerIdentity(
            tenant: .new(), actor: "usr_1", permissions: [], grants: ProjectGrants([Self.here: Set((0..<65).map { "w\($0)" })]))
        #expect(throws: Fault.tokenUnsignable) {
            try CallerToken(identity, issuer: "gateway", audience: "execution", expires: Date())
                .signed(with: SymmetricKey(data: Data(repeating: 7, count: 32)))
        }
    }

    @Test(
        "where a permission is held",
        arguments: [
            (["runs.read"], nil, "runs.read", nil), ([], nil, "runs.read", [here, there]), ([], nil, "runs.trigger", [here]),
            ([], nil, "suites.read", []), (["runs.trigger"], nil, "runs.read", [here, there]), (["runs.read"], [there], "runs.read", [there]),
            ([], [there], "runs.read", [there]), ([], [there], "runs.trigger", []),
        ] as [(Set<String>, Set<UUID>?, String, Set<UUID>?)])
    func reach(permissions: Set<String>, confined: Set<UUID>?, asked: String, expected: Set<UUID>?) {
        let identity = CallerIdentity(tenant: .new(), actor: "usr_1", permissions: permissions, projects: confined, grants: Self.grants)
        #expect(identity.projects(holding: asked) == expected)
    }

    @Test("a permission that goes with another one goes with it in the same projects")
    func adding() {
        let plain = CallerIdentity(tenant: .new(), actor: "usr_1", permissions: ["results.write"], grants: ProjectGrants([Self.here: ["x"]]))
        #expect(plain.adding("runs.read", wherever: "results.write").permissions == ["results.write", "runs.read"])
        let granted = CallerIdentity(
            tenant: .new(), actor: "usr_1", permissions: ["x"], grants: ProjectGrants([Self.here: ["results.write"], Self.there: ["x"]]))
        let both = granted.adding("runs.read", wherever: "results.write")
        #expect(both.permissions == ["x"] && both.projects(holding: "runs.read") == [Self.here])
    }

    @Test("a grant lets in where its permission is asked for, and only to its projects")
    func served() async throws {
        let probe = Probe(
            unary: [
                "GetRun": { try Self.ask($0) }, "StartRun": { try Self.ask($0) }, "GetMine": { try Self.ask($0) },
            ],
            streaming: ["WatchRun": { try await $0.write(.with { $0.service = Caller.current.mayUse(project: Self.there) ? "both" : "one" }) }])
        let rules = [
            Probe.rule("GetRun", "runs.read"), Probe.rule("StartRun", "runs.trigger"), Probe.rule("GetMine", "authenticated"),
            Probe.rule("GetSuite", "suites.read"), Probe.rule("WatchRun", "runs.trigger"),
        ]
        let caller = Caller(tenant: .new(), actor: "usr_1", permissions: ["organization.read"], grants: Self.grants)
        try await InProcess.serve([probe], rules: rules, as: caller) { (client) async throws in
            #expect(try await client.probe("GetRun", Self.there.uuidString) == "ok")
            #expect(try await client.probe("StartRun", Self.here.uuidString) == "ok")
            #expect(try await InProcess.fault { try await client.probe("StartRun", Self.there.uuidString) }.code == "project.not_found")
            #expect(try await InProcess.fault { try await client.probe("GetRun", UUID().uuidString) }.code == "project.not_found")
            #expect(try await InProcess.fault { try await client.probe("StartRun", "organization") }.code == "permission.projects_only")
            // What asks for no permission is not confined by grants.
            #expect(try await client.probe("GetMine", UUID().uuidString) == "ok")
            #expect(try await client.probe("GetMine", "organization") == "ok")
            #expect(try await client.probeStream("WatchRun") == ["one"])
        }
        let other = Probe(unary: ["GetSuite": { try Self.ask($0) }])
        try await InProcess.serve([other], rules: rules, as: caller) { (client) async throws in
            #expect(try await InProcess.fault { try await client.probe("GetSuite", Self.here.uuidString) }.code == "permission.missing")
        }
    }

    private static func ask(_ text: String) throws -> String {
        if let project = UUID(uuidString: text) { try Caller.current.require(project: project) } else { try Caller.current.requireOrganization() }
        return "ok"
    }
}
