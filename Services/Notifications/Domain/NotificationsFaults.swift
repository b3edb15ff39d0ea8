import Primitives

extension Fault {
    static func notDelivered(_ detail: String, retryAfter: Duration) -> Fault {
        Fault(.unavailable, "deliveries.not_delivered", detail, retryAfter: retryAfter)
    }

    static func channelDisabled(_ id: ID<Channel>) -> Fault {
        Fault(.precondition, "channels.disabled", "Channel \(id) is switched off.")
    }
}
