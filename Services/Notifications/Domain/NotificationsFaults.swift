import Primitives

extension Fault {
    static func notDelivered(_ detail: String, retryAfter: Duration) -> Fault {
        Fault(.unavailable, "deliveries.not_delivered", detail, retryAfter: retryAfter)
    }

    static func channelDisabled(_ id: ID<Channel>) -> Fault {
        Fault(.precondition, "channels.disabled", "Channel \(id) is switched off.")
    }

    static func invalidCursor() -> Fault {
        Fault(.invalid, "page.invalid_cursor", "The cursor is not one of this list.", fields: [.init("cursor", "invalid", "Start without a cursor.")])
    }
}
