import CommonAPI
import Crypto
import Foundation
import GRPCCore
import Jobs
import NotificationsAPI
import Outbound
import Primitives
import ServiceKit
import SwiftProtobuf

/// `assay.notifications.v1.Channels`
struct ChannelsRPC: PBChannels.SimpleServiceProtocol {
    let channels: ChannelStore
    let deliveries: DeliveryStore
    let jobs: JobQueue
    let outbound: OutboundClient
    let policy: EgressPolicy

    func createChannel(request: PBCreateChannelRequest, context: ServerContext) async throws -> PBCreatedChannel {
        let caller = Caller.current
        let draft = try Channel.Draft(
            Channel.Kind(request.kind), name: request.name, url: request.url, events: request.events, project: request.project,
            repository: request.repository, token: request.token)
        if let project = draft.project { try caller.require(project: project) } else { try caller.requireOrganization() }
        try await check(draft.url)
        let (channel, secret) = try await channels.insert(draft, key: caller.idempotencyKey, tenant: caller.tenant)
        return .with {
            $0.channel = PBChannel(channel)
            // A token is known to whoever gave it, and shown to nobody else.
            if channel.kind == .webhook { $0.secret = secret.reveal() }
        }
    }

    func getChannel(request: PBGetChannelRequest, context: ServerContext) async throws -> PBChannel {
        try await PBChannel(find(request.channel))
    }

    func listChannels(request: PBListChannelsRequest, context: ServerContext) async throws -> PBListChannelsResponse {
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let caller = Caller.current
        let listed = try await channels.list(page, only: caller.projects.map(Array.init), tenant: caller.tenant)
        return .with {
            $0.data = listed.items.map(PBChannel.init)
            $0.page = PBPage(listed)
        }
    }

    func updateChannel(request: PBUpdateChannelRequest, context: ServerContext) async throws -> PBChannel {
        let channel = try await find(request.channel)
        let change = try Channel.Change(
            channel.kind, name: request.hasName ? request.name : nil, url: request.hasURL ? request.url : nil,
            enabled: request.hasEnabled ? request.enabled : nil, token: request.hasToken ? request.token : nil)
        if let url = change.url { try await check(url) }
        let caller = Caller.current
        return try await PBChannel(
            channels.update(channel.id, change, version: request.version, key: caller.idempotencyKey, tenant: caller.tenant))
    }

    func deleteChannel(request: PBDeleteChannelRequest, context: ServerContext) async throws -> PBEmpty {
        try await channels.delete(find(request.channel).id, version: request.version, tenant: Caller.current.tenant)
        return PBEmpty()
    }

    func testChannel(request: PBTestChannelRequest, context: ServerContext) async throws -> PBDelivery {
        let caller = Caller.current
        let channel = try await find(request.channel)
        guard channel.enabled else { throw Fault.channelDisabled(channel.id) }
        // The same key names the same event, so that a repeated request sends nothing twice.
        let seed = "\(channel.id) \(caller.idempotencyKey ?? UUID().uuidString)"
        let id = ID<Event>(uuid: .version8(digest: SHA256.hash(data: Data(seed.utf8))))
        let event = try Event(
            id: id.description, type: "channel.test", project: channel.project, occurredAt: Date(), data: #"{"channel":"\#(channel.id)"}"#)
        let made = try await deliveries.insert(event, only: channel.id, enqueueing: jobs, tenant: caller.tenant).first
        // Repeated after a crash of whoever asked: the first one has its delivery.
        if let made { return PBDelivery(made) }
        guard let first = try await deliveries.find(event.id, to: channel.id, tenant: caller.tenant) else { throw Fault.channelDisabled(channel.id) }
        return PBDelivery(first)
    }

    private func find(_ text: String) async throws -> Channel {
        let caller = Caller.current
        let channel = try await channels.get(ID(text, field: "channel"), tenant: caller.tenant)
        // Whoever is confined to projects does not see what belongs to none.
        guard let project = channel.project else {
            guard caller.projects == nil else { throw Fault.notFound("channel", channel.id) }
            return channel
        }
        try caller.require(project: project)
        return channel
    }

    /// Refused now rather than at the first delivery: the address is looked up and held against the policy (T70).
    private func check(_ text: String) async throws {
        do {
            try await outbound.check(TargetURL(text), policy: policy)
        } catch {
            switch error {
            // A name that does not resolve at the moment, or not in time, may do so later.
            case .dns, .timeout: return
            default: throw error.fault(pointer: "/url")
            }
        }
    }
}
