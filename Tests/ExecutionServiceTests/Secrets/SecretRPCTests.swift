import CommonAPI
import ExecutionAPI
import Foundation
import GRPCCore
import Jobs
import Postgres
import Primitives
import Sealing
import ServiceKit
import SwiftProtobuf
import TestSupport
import Testing

@testable import ExecutionService

/// Secrets of tests over RPC: they go in, and only what is around them comes out.
@Suite(.database(ExecutionProgram.schema, JobSchema.schema, DataKeySchema.schema))
struct SecretRPCTests {
    let tenant = ID<Tenant>.new()
    let project = ID<Project>.new()
    var store: SecretStore { get throws { try CaseFixture.secrets(TestDatabase.current.database) } }

    private func serve<R: Sendable>(
        key: String? = nil, projects: Set<UUID>? = nil, _ body: (PBSecrets.Client<InProcess.Transport>) async throws -> R
    ) async throws -> R {
        let caller = Caller(
            tenant: tenant, actor: "key_test", permissions: ["projects.write", "suites.read"], projects: projects, requestID: "req_test",
            idempotencyKey: key)
        return try await InProcess.serve([SecretsRPC(secrets: store)], rules: ExecutionContract.rules, as: caller) {
            try await body(PBSecrets.Client(wrapping: $0))
        }
    }

    private func draft(_ name: String = "TOKEN", environment: String = "", value: String = "s3cr3t-value") -> PBCreateSecretRequest {
        .with {
            $0.project = project.description
            $0.name = name
            $0.environment = environment
            $0.value = value
            $0.hosts = ["api.example.com", "https://api.example.com"]
        }
    }

    private func code(_ body: () async throws -> Void) async -> String? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? RPCError).map { Fault($0).code } ?? "\(error)"
        }
    }

    @Test("a secret is made, listed, changed and deleted; its value is stored sealed and comes back nowhere")
    func life() async throws {
        try await serve { client in
            let made = try await client.createSecret(draft())
            #expect(made.hosts == ["https://api.example.com"] && made.updatedBy == "key_test" && made.version == 1)
            let staging = try await client.createSecret(draft(environment: "staging"))
            let listed = try await client.listSecrets(
                .with {
                    $0.project = project.description
                    $0.limit = 1
                })
            #expect(listed.data == [staging] && !listed.page.nextCursor.isEmpty)
            let rest = try await client.listSecrets(
                .with {
                    $0.project = project.description
                    $0.cursor = listed.page.nextCursor
                })
            #expect(rest.data == [made] && rest.page.nextCursor.isEmpty)
            let changed = try await client.updateSecret(
                .with {
                    $0.secret = made.id
                    $0.value = "another-s3cr3t"
                    $0.version = 1
                })
            #expect(changed.version == 2 && changed.hosts == made.hosts)
            #expect(
                await code {
                    _ = try await client.updateSecret(
                        .with {
                            $0.secret = made.id
                            $0.hosts = ["b.example.com"]
                            $0.version = 1
                        })
                } == "precondition_failed")
            #expect(try await client.getSecret(.with { $0.secret = made.id }) == changed)
            let sealed = try await TestDatabase.current.database.rows(
                .tenant(tenant), "select value from secrets where tenant_id = \(tenant)"
            ) { try $0.value("value", as: Data.self) }
            #expect(sealed.count == 2)
            for value in sealed {
                #expect(value.range(of: Data("s3cr3t".utf8)) == nil)
            }
            _ = try await client.deleteSecret(.with { $0.secret = made.id })
            #expect(await code { _ = try await client.getSecret(.with { $0.secret = made.id }) } == "secret.not_found")
        }
    }

    @Test("what the run's environment has comes before what all have")
    func environments() async throws {
        let (store, fixture) = (try store, CaseFixture())
        for (environment, value) in [("", "for-all-of-them"), ("staging", "for-staging-only"), ("live", "for-live-alone")] {
            let draft = try TestSecret.Draft(
                project: project, name: "T", environment: environment, value: value, hosts: [AllowedHost(origin: "https://a.example")])
            _ = try await store.insert(draft, by: "me", key: nil, tenant: fixture.tenant)
        }
        for (environment, expected) in [("", "for-all-of-them"), ("staging", "for-staging-only"), ("other", "for-all-of-them")] {
            let run = try await fixture.start(1, project: project, environment: environment)
            let known = try await store.known(project: project, run: run.id, tenant: fixture.tenant)
            #expect(known.values["T"]?.reveal() == expected)
            // Those of the others may be in an answer all the same.
            #expect(known.mask.masked("for-all-of-them, for-staging-only, for-live-alone") == "***, ***, ***")
        }
    }

    @Test("a repeated request makes nothing more, and a name is taken once for an environment")
    func repeated() async throws {
        let first = try await serve(key: "k1") { try await $0.createSecret(draft()) }
        #expect(try await serve(key: "k1") { try await $0.createSecret(draft()) } == first)
        try await serve { client in
            #expect(await code { _ = try await client.createSecret(draft()) } == "secrets.name_taken")
        }
        let change = PBUpdateSecretRequest.with {
            $0.secret = first.id
            $0.value = "another-s3cr3t"
            $0.version = 1
        }
        let changed = try await serve(key: "k2") { try await $0.updateSecret(change) }
        #expect(try await serve(key: "k2") { try await $0.updateSecret(change) } == changed)
    }

    @Test("what cannot be a secret is refused by its place")
    func refused() async throws {
        try await serve { client in
            for name in ["", "1a", "a b", "a{", String(repeating: "n", count: 58)] {
                #expect(await code { _ = try await client.createSecret(draft(name)) } == "request.invalid", "\(name)")
            }
            for value in ["", "short", "nul\0nul", String(repeating: "v", count: 4097)] {
                #expect(await code { _ = try await client.createSecret(draft(value: value)) } == "request.invalid")
            }
            var hostless = draft()
            hostless.hosts = []
            #expect(await code { _ = try await client.createSecret(hostless) } == "request.invalid")
        }
    }

    @Test("a project has a hundred secrets and no more, however many come at once")
    func full() async throws {
        try await serve { client in
            let codes = try await withThrowingTaskGroup(of: String?.self) { group in
                for index in 0..<TestSecret.maxCount + 8 {
                    group.addTask { await code { _ = try await client.createSecret(draft("N\(index)")) } }
                }
                return try await group.reduce(into: [String?]()) { $0.append($1) }
            }
            #expect(codes.filter { $0 == nil }.count == TestSecret.maxCount)
            #expect(codes.filter { $0 == "secrets.full" }.count == 8)
        }
    }

    @Test("who is confined to other projects finds none")
    func confined() async throws {
        let made = try await serve { try await $0.createSecret(draft()) }
        try await serve(projects: [UUID()]) { client in
            #expect(await code { _ = try await client.getSecret(.with { $0.secret = made.id }) } != nil)
            #expect(await code { _ = try await client.createSecret(draft("B")) } != nil)
            #expect(await code { _ = try await client.deleteSecret(.with { $0.secret = made.id }) } != nil)
        }
        #expect(try await serve { try await $0.getSecret(.with { $0.secret = made.id }) } == made)
    }
}
