import CommonAPI
import GRPCCore
import Jobs
import NotificationsAPI
import Primitives
import ServiceKit
import SwiftProtobuf

/// `assay.notifications.v1.Deliveries`
struct DeliveriesRPC: PBDeliveries.SimpleServiceProtocol {
    let deliveries: DeliveryStore
    let jobs: JobQueue

    func listDeliveries(request: PBListDeliveriesRequest, context: ServerContext) async throws -> PBListDeliveriesResponse {
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let caller = Caller.current
        let listed = try await deliveries.list(
            page, channel: request.channel.isEmpty ? nil : ID(request.channel, field: "channel"), state: Delivery.State(request.state),
            eventType: request.eventType.isEmpty ? nil : request.eventType, only: caller.projects.map(Array.init), tenant: caller.tenant)
        return .with {
            $0.data = listed.items.map(PBDelivery.init)
            $0.page = PBPage(listed)
        }
    }

    func getDelivery(request: PBGetDeliveryRequest, context: ServerContext) async throws -> PBDelivery {
        let delivery = try await find(request.delivery)
        let log = try await deliveries.attempts(of: delivery.id, tenant: Caller.current.tenant)
        var message = PBDelivery(delivery)
        message.log = log.map(PBDeliveryAttempt.init)
        message.body = delivery.body
        return message
    }

    func replayDelivery(request: PBReplayDeliveryRequest, context: ServerContext) async throws -> PBDelivery {
        let caller = Caller.current
        let delivery = try await find(request.delivery)
        return try await PBDelivery(deliveries.replay(delivery.id, key: caller.idempotencyKey, enqueueing: jobs, tenant: caller.tenant))
    }

    private func find(_ text: String) async throws -> Delivery {
        let caller = Caller.current
        let delivery = try await deliveries.get(ID(text, field: "delivery"), tenant: caller.tenant)
        guard let project = delivery.project else {
            guard caller.projects == nil else { throw Fault.notFound("delivery", delivery.id) }
            return delivery
        }
        try caller.require(project: project)
        return delivery
    }
}
