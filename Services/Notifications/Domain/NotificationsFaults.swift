import Primitives

extension Fault {
    static func notDelivered(_ detail: String, retryAfter: Duration) -> Fault {
        Fault(.unavailable, "deliveries.not_delivered", detail, retryAfter: retryAfter)
    }

    static let mailNotConfigured = Fault.unavailable(
        "mail.not_configured", "This installation cannot send mail. Its operator has to configure it.", retryAfter: .seconds(3_600))

    static func channelDisabled(_ id: ID<Channel>) -> Fault {
        Fault(.precondition, "channels.disabled", "Channel \(id) is switched off.")
    }
}
