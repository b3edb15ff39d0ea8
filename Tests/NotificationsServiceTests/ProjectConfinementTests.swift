import Foundation
import GRPCCore
import Jobs
import NotificationsAPI
import Outbound
import Primitives
import Sealing
import ServiceKit
import SwiftProtobuf
import TestSupport
import Testing

@testable import NotificationsService

/// Channels and deliveries of projects, for callers who may do something in certain projects only.
@Suite(.database(NotificationsProgram.schema, JobSchema.schema, DataKeySchema.schema))
struct ProjectConfinementTests {
    let tenant = ID<Tenant>.new()
    let mine = ID<Project>.new()
    let theirs = ID<Project>.new()

    private func serve<R: Sendable>(
        as caller: Caller, _ body: (PBChannels.Client<InProcess.Transport>, PBDeliveries.Client<InProcess.Transport>) async throws -> R
    ) async throws -> R {
        let database = TestDatabase.current.database
        let policy = EgressPolicy(
            allowedNetworks: try Network.list("127.0.0.0/8"), ports: .only([443]), maximumRedirects: 0, allowsDowngrade: false)
        let channels = ChannelStore(database: database, vault: try DeliveryTests.vault(database))
        let deliveries = DeliveryStore(database: database)
        let jobs = JobQueue(database: database)
        return try await InProcess.serve(
            [
                ChannelsRPC(channels: channels, deliveries: deliveries, jobs: jobs, outbound: OutboundClient(), policy: policy),
                DeliveriesRPC(deliveries: deliveries, jobs: jobs),
            ], rules: NotificationsContract.rules, as: caller
        ) { try await body(PBChannels.Client(wrapping: $0), PBDeliveries.Client(wrapping: $0)) }
    }

    private static func draft(_ project: ID<Project>?) -> PBCreateChannelRequest {
        .with {
            $0.name = "hook"
            $0.kind = .webhook
            $0.url = "http://127.0.0.1/"
            $0.project = project?.description ?? ""
        }
    }

    @Test("they see and make what belongs to their projects, and nothing else", arguments: ["key", "grant"])
    func confined(by kind: String) async throws {
        let held: Set = ["channels.read", "channels.write"]
        let administrator = Caller(tenant: tenant, actor: "usr_1", permissions: held)
        let made = try await serve(as: administrator) { channels, deliveries in
            var made: [String: (channel: String, delivery: String)] = [:]
            for (name, project) in ["mine": mine, "theirs": theirs, "all": nil] {
                let channel = try await channels.createChannel(Self.draft(project)).channel.id
                made[name] = (channel, try await channels.testChannel(.with { $0.channel = channel }).id)
            }
            #expect(try await channels.listChannels(PBListChannelsRequest()).data.count == 3)
            #expect(try await deliveries.listDeliveries(PBListDeliveriesRequest()).data.count == 3)
            return made
        }
        let caller =
            kind == "key"
            ? Caller(tenant: tenant, actor: "key_1", permissions: held, projects: [mine.uuid])
            : Caller(tenant: tenant, actor: "usr_2", permissions: [], grants: ProjectGrants([mine.uuid: held]))
        try await serve(as: caller) { channels, deliveries in
            #expect(try await channels.listChannels(PBListChannelsRequest()).data.map(\.id) == [made["mine"]?.channel])
            #expect(try await deliveries.listDeliveries(PBListDeliveriesRequest()).data.map(\.id) == [made["mine"]?.delivery])
            for (name, ids) in made where name != "mine" {
                let channel = try await InProcess.fault { try await channels.deleteChannel(.with { $0.channel = ids.channel }) }
                let delivery = try await InProcess.fault { try await deliveries.getDelivery(.with { $0.delivery = ids.delivery }) }
                #expect(channel.kind == .notFound && delivery.kind == .notFound, "\(name)")
            }
            _ = try await channels.createChannel(Self.draft(mine))
            #expect(try await InProcess.fault { try await channels.createChannel(Self.draft(theirs)) }.code == "project.not_found")
            #expect(try await InProcess.fault { try await channels.createChannel(Self.draft(nil)) }.code == "permission.projects_only")
        }
    }
}
