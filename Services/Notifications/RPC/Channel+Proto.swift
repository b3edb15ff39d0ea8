import Foundation
import NotificationsAPI
import Primitives
import ServiceKit
import SwiftProtobuf

extension PBChannel {
    init(_ channel: Channel) {
        self.init()
        id = channel.id.description
        name = channel.name
        kind =
            switch channel.kind {
            case .webhook: .webhook
            case .github: .github
            }
        url = channel.url
        repository = channel.repository
        events = channel.events
        project = channel.project?.description ?? ""
        enabled = channel.enabled
        disabledReason = channel.disabledReason
        createdAt = .init(milliseconds: channel.createdAt)
        version = channel.version
    }
}

extension Channel.Kind {
    /// - Throws: `request.invalid` at `/kind`.
    init(_ message: PBChannel.Kind) throws(Fault) {
        switch message {
        case .webhook: self = .webhook
        case .github: self = .github
        case .unspecified, .UNRECOGNIZED: throw .invalidField("/kind", "invalid", "The kind must be WEBHOOK or GITHUB.")
        }
    }
}

extension Delivery.State {
    /// `nil` when no state was asked for.
    /// - Throws: `request.invalid` at `state`.
    init?(_ message: PBDelivery.State) throws(Fault) {
        switch message {
        case .unspecified: return nil
        case .pending: self = .pending
        case .delivered: self = .delivered
        case .failed: self = .failed
        case .blocked: self = .blocked
        case .UNRECOGNIZED: throw .invalidField("state", "invalid", "This is no state of a delivery.")
        }
    }

    fileprivate var message: PBDelivery.State {
        switch self {
        case .pending: .pending
        case .delivered: .delivered
        case .failed: .failed
        case .blocked: .blocked
        }
    }
}

extension PBDelivery {
    init(_ delivery: Delivery) {
        self.init()
        id = delivery.id.description
        channel = delivery.channel.description
        event = delivery.event
        eventType = delivery.eventType
        project = delivery.project?.description ?? ""
        state = delivery.state.message
        attempts = delivery.attempts
        lastStatus = delivery.lastStatus
        lastError = delivery.lastError
        if let next = delivery.nextAttemptAt, delivery.state == .pending { nextAttemptAt = .init(milliseconds: next) }
        createdAt = .init(milliseconds: delivery.createdAt)
        if let at = delivery.deliveredAt { deliveredAt = .init(milliseconds: at) }
    }
}

extension PBDeliveryAttempt {
    init(_ attempt: Attempt) {
        self.init()
        number = attempt.number
        at = .init(milliseconds: attempt.at)
        status = attempt.status
        error = attempt.error
        durationMs = attempt.milliseconds
        responseExcerpt = attempt.excerpt
    }
}
