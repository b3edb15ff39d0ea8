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

/// The service as its callers see it, over a real database and real receivers.
@Suite(.database(NotificationsProgram.schema, JobSchema.schema, DataKeySchema.schema))
struct DeliveryTests {
    let tenant = ID<Tenant>.new()
    let outbound = OutboundClient()
    let policy: EgressPolicy
    let channels: ChannelStore
    let deliveries: DeliveryStore
    let jobs: JobQueue

    init() throws {
        let database = TestDatabase.current.database
        policy = EgressPolicy(allowedNetworks: try Network.list("127.0.0.0/8"), ports: .only([443]), maximumRedirects: 0, allowsDowngrade: false)
        channels = ChannelStore(database: database, vault: try Self.vault(database))
        deliveries = DeliveryStore(database: database)
        jobs = JobQueue(database: database)
    }

    static let sealer = Result { try Sealer(keys: ["1": Secret(Data(repeating: 7, count: 32))], current: "1") }

    static func vault(_ database: Database) throws -> Vault {
        Vault(database: database, config: SealingConfig(sealer: try sealer.get()), logger: .silent)
    }

    private func serve<R: Sendable>(as caller: Caller? = nil, _ body: (InProcess.Client) async throws -> R) async throws -> R {
        try await InProcess.serve(
            [
                ChannelsRPC(channels: channels, deliveries: deliveries, jobs: jobs, outbound: outbound, policy: policy),
                DeliveriesRPC(deliveries: deliveries, jobs: jobs), NotificationsService.IntakeRPC(deliveries: deliveries, jobs: jobs),
            ], rules: NotificationsContract.rules, as: caller ?? .service("execution", tenant: tenant), signedBy: "execution", body)
    }

    private func channel(_ url: String, events: [String] = []) async throws -> PBCreatedChannel {
        try await serve { client in
            try await PBChannels.Client(wrapping: client).createChannel(
                .with {
                    $0.name = "hook"
                    $0.kind = .webhook
                    $0.url = url
                    $0.events = events
                })
        }
    }

    private func submit(_ id: String, type: String = "run.finished") async throws {
        _ = try await serve { client in
            try await PBIntake.Client(wrapping: client).submitEvent(
                .with {
                    $0.id = id
                    $0.type = type
                    $0.occurredAt = Google_Protobuf_Timestamp(date: Date())
                    $0.data = ["run": "run_1"]
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
            checks: GitHubChecks(outbound: outbound, policy: policy, deliveries: deliveries, publicURL: nil))
        let job = Job(tenant: tenant, kind: DeliverWebhook.Payload.kind)
        try await worker.handle(.init(delivery: ID(delivery.id)), job)
    }

    @Test("an event makes one delivery for each channel that wants it, however often it is sent")
    func fanOut() async throws {
        let server = try await LoopbackServer.start { _ in .text("") }
        defer { server.stop() }
        _ = try await channel("http://127.0.0.1:\(server.port)/all")
        _ = try await channel("http://127.0.0.1:\(server.port)/other", events: ["monitor.down"])
        try await submit("evt_1")
        try await submit("evt_1")
        try await submit("evt_2", type: "monitor.down")
        let made = try await list()
        #expect(made.filter { $0.event == "evt_1" }.count == 1 && made.filter { $0.event == "evt_2" }.count == 2)
    }

    @Test("a delivery is signed, recorded, and ends with the first 2xx")
    func delivered() async throws {
        let server = try await LoopbackServer.start { _ in .text("thanks") }
        defer { server.stop() }
        let created = try await channel("http://127.0.0.1:\(server.port)/hook")
        try await submit("evt_1")
        let pending = try #require(try await list().first)
        try await attempt(pending)
        try await attempt(pending)
        #expect(server.count == 1, "a delivery that is done is not sent again")
        let request = try #require(server.requests.first)
        #expect(request.header("webhook-id") == "evt_1")
        let time = try #require(Int64(request.header("webhook-timestamp") ?? ""))
        let body = String(decoding: request.body, as: UTF8.self)
        #expect(
            try request.header("webhook-signature") == WebhookSignature.sign(id: "evt_1", timestamp: time, body: body, secret: Secret(created.secret))
        )
        let done = try await serve { try await PBDeliveries.Client(wrapping: $0).getDelivery(.with { $0.delivery = pending.id }) }
        #expect(done.state == .delivered && done.log.map(\.status) == [200] && done.log[0].responseExcerpt == "thanks" && done.body == body)
    }

    @Test("a receiver that fails is tried again later; one that is gone is switched off")
    func failing() async throws {
        let server = try await LoopbackServer.start { request in .text("no", status: request.target == "/gone" ? 410 : 500) }
        defer { server.stop() }
        let failing = try await channel("http://127.0.0.1:\(server.port)/failing", events: ["run.finished"])
        let gone = try await channel("http://127.0.0.1:\(server.port)/gone", events: ["monitor.down"])
        try await submit("evt_1")
        try await submit("evt_2", type: "monitor.down")
        for delivery in try await list() {
            if delivery.channel == failing.channel.id {
                let fault = try await InProcess.fault { try await attempt(delivery) }
                #expect(fault.code == "deliveries.not_delivered" && (fault.retryAfter ?? .zero) >= .seconds(5))
            } else {
                try await attempt(delivery)
            }
        }
        let after = try await list()
        #expect(after.first { $0.channel == failing.channel.id }?.state == .pending)
        #expect(after.first { $0.channel == gone.channel.id }?.state == .failed)
        let channel = try await serve { try await PBChannels.Client(wrapping: $0).getChannel(.with { $0.channel = gone.channel.id }) }
        #expect(!channel.enabled && channel.disabledReason == "gone")
    }

    @Test(
        "a URL that webhooks may not reach is refused when the channel is made",
        arguments: [
            "http://10.0.0.1/", "https://169.254.169.254/latest/meta-data", "ftp://example.com/", "http://user:pass@127.0.0.1/", "http://2130706433/",
            "https://[::ffff:10.0.0.1]/", "http://127.0.0.1:5432/", "", "javascript:alert(1)",
        ])
    func refused(url: String) async throws {
        let fault = try await InProcess.fault { try await channel(url) }
        #expect(fault.kind == .invalid && fault.fields.first?.pointer == "/url", "\(fault)")
    }

    @Test("a replay sends the same event once more")
    func replay() async throws {
        let server = try await LoopbackServer.start { _ in .text("") }
        defer { server.stop() }
        _ = try await channel("http://127.0.0.1:\(server.port)/hook")
        try await submit("evt_1")
        let first = try #require(try await list().first)
        try await attempt(first)
        let replayed = try await serve { try await PBDeliveries.Client(wrapping: $0).replayDelivery(.with { $0.delivery = first.id }) }
        #expect(replayed.state == .pending)
        try await attempt(replayed)
        #expect(server.requests.map { $0.header("webhook-id") } == ["evt_1", "evt_1"])
    }

    @Test("a test and a replay that are repeated under their idempotency key send nothing twice")
    func repeated() async throws {
        let server = try await LoopbackServer.start { _ in .text("") }
        defer { server.stop() }
        let made = try await channel("http://127.0.0.1:\(server.port)/hook")
        let keyed = Caller(identity: Caller.service("execution", tenant: tenant).identity, idempotencyKey: "k")
        let (first, second) = try await serve(as: keyed) { client in
            let channels = PBChannels.Client(wrapping: client)
            return (
                try await channels.testChannel(.with { $0.channel = made.channel.id }),
                try await channels.testChannel(.with { $0.channel = made.channel.id })
            )
        }
        #expect(first.id == second.id)
        try await attempt(first)
        let replayed = try await serve(as: keyed) { client in
            let deliveries = PBDeliveries.Client(wrapping: client)
            _ = try await deliveries.replayDelivery(.with { $0.delivery = first.id })
            return try await deliveries.replayDelivery(.with { $0.delivery = first.id })
        }
        #expect(replayed.state == .pending)
        let waiting = try await TestDatabase.current.database.one(
            .tenant(tenant), "select count(*) as count from jobs where tenant_id = \(tenant)"
        ) { try $0.value("count", as: Int64.self) }
        #expect(waiting == 2, "one for the test, one for its replay")
    }

    @Test("a channel is changed and deleted in the version that was read; being switched off makes another one (T105)")
    func versions() async throws {
        let server = try await LoopbackServer.start { _ in .text("") }
        defer { server.stop() }
        let made = try await channel("http://127.0.0.1:\(server.port)/hook").channel
        #expect(made.version == 1)
        try await serve { client in
            let channels = PBChannels.Client(wrapping: client)
            func rename(_ version: Int64) async throws -> PBChannel {
                try await channels.updateChannel(
                    .with {
                        $0.channel = made.id
                        $0.name = "new"
                        $0.version = version
                    })
            }
            #expect(try await rename(1).version == 2)
            #expect(try await InProcess.fault { try await rename(1) }.code == "precondition_failed")
            try await self.channels.disable(ID(made.id), reason: "gone", tenant: tenant)
            #expect(try await InProcess.fault { try await rename(2) }.code == "precondition_failed")
            func delete(_ version: Int64) async throws {
                _ = try await channels.deleteChannel(
                    .with {
                        $0.channel = made.id
                        $0.version = version
                    })
            }
            #expect(try await InProcess.fault { try await delete(2) }.code == "precondition_failed")
            try await delete(3)
            #expect(try await InProcess.fault { try await delete(3) }.code == "channel.not_found")
        }
    }

    @Test("secrets are stored sealed, and tenants are held apart")
    func sealed() async throws {
        let created = try await channel("http://127.0.0.1:9999/hook")
        let stored = try await TestDatabase.current.database.rows(.tenant(tenant), "select secret from channels") {
            try $0.value("secret", as: Data.self)
        }
        #expect(stored.count == 1 && stored[0].range(of: Data(created.secret.utf8)) == nil)
        let foreign = try await InProcess.fault {
            try await serve(as: .service("execution", tenant: .new())) {
                try await PBChannels.Client(wrapping: $0).getChannel(.with { $0.channel = created.channel.id })
            }
        }
        #expect(foreign.kind == .notFound)
        try await assertRowLevelSecurity(adminURL: TestDatabase.current.adminURL, schema: "notifications")
    }

    @Test("a secret that an earlier release sealed is still readable, and is soon sealed by its tenant's own key")
    func resealed() async throws {
        let created = try await channel("http://127.0.0.1:9999/hook")
        let id = try ID<Channel>(created.channel.id)
        let database = TestDatabase.current.database
        let place = SealContext(tenant: tenant, table: "channels", column: "secret", row: id.uuid)
        let old = try Self.sealer.get().seal(Data(created.secret.utf8), context: place)
        try await database.execute(.tenant(tenant), "update channels set secret = \(old) where tenant_id = \(tenant)")
        #expect(try await channels.target(id, tenant: tenant)?.secret.reveal() == created.secret)

        try await ResealChannels(channels: channels).round()
        let stored = try await database.one(.tenant(tenant), "select secret from channels where tenant_id = \(tenant)") {
            try $0.value("secret", as: Data.self)
        }
        #expect(stored.first == 2)
        #expect(try await channels.target(id, tenant: tenant)?.secret.reveal() == created.secret)
        #expect(try await channels.reseal(limit: 10) == 0)
    }
}
