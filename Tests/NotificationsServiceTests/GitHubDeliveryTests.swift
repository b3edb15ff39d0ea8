import Foundation
import GRPCCore
import Jobs
import NotificationsAPI
import Outbound
import Postgres
import Primitives
import Sealing
import ServiceKit
import SwiftProtobuf
import TestSupport
import Testing

@testable import NotificationsService

/// Finished runs on their way to GitHub.
@Suite(.database(NotificationsProgram.schema, JobSchema.schema, DataKeySchema.schema))
struct GitHubDeliveryTests {
    private let tenant = ID<Tenant>.new()
    private let outbound = OutboundClient()
    private let policy: EgressPolicy
    private let channels: ChannelStore
    private let deliveries: DeliveryStore
    private let jobs: JobQueue
    private static let commit = String(repeating: "0123456789", count: 4)

    init() throws {
        let database = TestDatabase.current.database
        policy = EgressPolicy(allowedNetworks: try Network.list("127.0.0.0/8"), ports: .only([443]), maximumRedirects: 0, allowsDowngrade: false)
        channels = ChannelStore(database: database, vault: try DeliveryTests.vault(database))
        deliveries = DeliveryStore(database: database)
        jobs = JobQueue(database: database)
    }

    private func serve<R: Sendable>(_ body: (InProcess.Client) async throws -> R) async throws -> R {
        try await InProcess.serve(
            [
                ChannelsRPC(channels: channels, deliveries: deliveries, jobs: jobs, outbound: outbound, policy: policy),
                DeliveriesRPC(deliveries: deliveries, jobs: jobs), NotificationsService.IntakeRPC(deliveries: deliveries, jobs: jobs),
            ], rules: NotificationsContract.rules, as: .service("execution", tenant: tenant), signedBy: "execution", body)
    }

    private func channel(_ server: LoopbackServer, token: String = GitHubStub.token, repository: String = "acme/web") async throws -> PBCreatedChannel
    {
        try await serve { client in
            try await PBChannels.Client(wrapping: client).createChannel(
                .with {
                    $0.name = "checks"
                    $0.kind = .github
                    $0.url = server.url
                    $0.repository = repository
                    $0.token = token
                })
        }
    }

    private func submit(_ id: String, failures: Int, commit: String = commit, type: String = "run.finished") async throws {
        _ = try await serve { client in
            try await PBIntake.Client(wrapping: client).submitEvent(
                .with {
                    $0.id = id
                    $0.type = type
                    $0.occurredAt = Google_Protobuf_Timestamp(date: Date())
                    $0.data.fields = [
                        "state": .init(stringValue: failures > 0 ? "FAILED" : "PASSED"), "commit_sha": .init(stringValue: commit),
                        "url": .init(stringValue: "/runs/run_1"),
                        "counts": .init(
                            structValue: .init(fields: [
                                "total": 300, "passed": .init(numberValue: Double(300 - failures)), "failed": .init(numberValue: Double(failures)),
                                "errored": 0, "skipped": 0,
                            ])),
                    ]
                    $0.failures = (0..<failures).map { index in
                        .with {
                            $0.test = "suite › case \(index)"
                            $0.file = "src/a.py"
                            $0.line = Int32(index)
                            $0.message = "expected 200"
                            $0.trace = "at a.B"
                        }
                    }
                })
        }
    }

    private func list() async throws -> [PBDelivery] {
        try await serve { try await PBDeliveries.Client(wrapping: $0).listDeliveries(PBListDeliveriesRequest()) }.data
    }

    /// Does one attempt, as the job runner would.
    private func attempt(_ delivery: PBDelivery) async throws {
        let worker = DeliverWebhook(
            channels: channels, deliveries: deliveries, outbound: outbound, policy: policy,
            checks: GitHubChecks(outbound: outbound, policy: policy, deliveries: deliveries, publicURL: "https://assay.example.com"))
        try await worker.handle(.init(delivery: ID(delivery.id)), Job(tenant: tenant, kind: DeliverWebhook.Payload.kind))
    }

    @Test("a finished run is one check run, made and updated within GitHub's limits", arguments: [(0, 2), (3, 2), (200, 5)])
    func whole(failures: Int, requests: Int) async throws {
        let github = GitHubStub()
        let server = try await github.start()
        defer { server.stop() }
        let made = try await channel(server)
        #expect(made.secret.isEmpty && made.channel.kind == .github && made.channel.repository == "acme/web")
        try await submit("evt_1", failures: failures)
        try await submit("evt_1", failures: failures)
        let delivery = try #require(try await list().first)
        try await attempt(delivery)
        #expect(github.problems.isEmpty && github.requests == requests)
        let run = try #require(github.made.first)
        #expect(github.made.count == 1 && run.annotations == failures && run.status == "completed" && run.head == Self.commit)
        #expect(run.conclusion == (failures > 0 ? "failure" : "success") && run.externalID == "evt_1" && run.name == "Assay")
        let after = try #require(try await list().first)
        #expect(after.state == .delivered && after.attempts == 1 && after.lastStatus == (failures > 50 ? 200 : 201))
        // Delivered is delivered, and what it took is not kept.
        try await attempt(delivery)
        #expect(github.requests == requests)
        #expect(try await deliveries.checkContext(of: ID(delivery.id), tenant: tenant).failures.isEmpty)
    }

    @Test("an answer that is lost anywhere makes neither a second check run nor an annotation twice", arguments: 0..<5, [true, false])
    func lost(request: Int, isCarriedOut: Bool) async throws {
        let github = GitHubStub()
        let server = try await github.start()
        defer { server.stop() }
        _ = try await channel(server)
        try await submit("evt_1", failures: 180)
        let delivery = try #require(try await list().first)
        github.fail(request: request, status: 502, isCarriedOut: isCarriedOut)
        await #expect(throws: Fault.self) { try await attempt(delivery) }
        #expect(try await list().first?.state == .pending)
        try await attempt(delivery)
        #expect(github.made.count == 1 && github.made.first?.annotations == 180 && github.made.first?.status == "completed")
        #expect(github.problems.isEmpty)
        #expect(try await list().first?.state == .delivered)
    }

    @Test("events without a whole commit, and others than finished runs, are none of GitHub's; a test asks for the repository")
    func others() async throws {
        let github = GitHubStub()
        let server = try await github.start()
        defer { server.stop() }
        let made = try await channel(server)
        try await submit("evt_1", failures: 1, commit: "main")
        try await submit("evt_2", failures: 1, type: "quota.warning")
        #expect(try await list().isEmpty)
        let test = try await serve { client in try await PBChannels.Client(wrapping: client).testChannel(.with { $0.channel = made.channel.id }) }
        try await attempt(test)
        #expect(try await list().first?.state == .delivered && github.requests == 1 && github.made.isEmpty)
    }

    @Test("a token that GitHub does not know is told of, and another one can be given")
    func token() async throws {
        let github = GitHubStub()
        let server = try await github.start()
        defer { server.stop() }
        let made = try await channel(server, token: "ghs_old")
        try await submit("evt_1", failures: 0)
        let delivery = try #require(try await list().first)
        await #expect(throws: Fault.self) { try await attempt(delivery) }
        #expect(try await list().first?.lastStatus == 401)
        let changed = try await serve { client in
            try await PBChannels.Client(wrapping: client).updateChannel(
                .with {
                    $0.channel = made.channel.id
                    $0.token = GitHubStub.token
                })
        }
        #expect(changed.version == 2)
        try await attempt(delivery)
        #expect(try await list().first?.state == .delivered && github.made.count == 1)
        let stored = try await channels.database.one(
            .tenant(tenant), "select position(convert_to(\(GitHubStub.token), 'UTF8') in secret) as place from channels where tenant_id = \(tenant)"
        ) { try $0.value("place", as: Int32.self) }
        #expect(stored == 0)
    }

    @Test(
        "what is no repository or token is refused",
        arguments: [("acme", "t"), ("acme/../web", "t"), ("a/b/c", "t"), ("acme/web", ""), ("acme/web", "a\nb")])
    func refused(repository: String, token: String) async throws {
        let server = try await GitHubStub().start()
        defer { server.stop() }
        let error = await #expect(throws: RPCError.self) { _ = try await channel(server, token: token, repository: repository) }
        #expect(error.map { Fault($0).code } == "request.invalid")
    }
}
