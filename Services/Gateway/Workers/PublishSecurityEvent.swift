import Foundation
import GRPCCore
import Jobs
import NotificationsAPI
import Primitives
import ServiceKit
import SwiftProtobuf

/// Brings a security event to Notifications, from where it goes to the channels that want it.
struct PublishSecurityEvent: JobHandler {
    struct Payload: JobPayload {
        static let kind = "publish-security-event"

        /// The same in every try; Notifications takes an event once.
        let id: UUID
        let type: String
        let at: Date
        let subject: String
        let actor: String
        let address: String
        let count: Int
        let details: [String: String]

        init(_ report: SecurityDamper.Report) {
            id = ID<Occurrence>.new(at: report.at).uuid
            type = report.event.type
            at = report.at
            subject = report.event.subject
            actor = report.event.actor
            address = report.event.address
            count = report.count
            details = report.event.details
        }
    }

    let notifications: any PBIntake.ClientProtocol

    func handle(_ payload: Payload, _ job: Job) async throws {
        _ = try await notifications.submitEvent(PBSubmitEventRequest(payload))
    }
}

/// What an event is about, for its id.
enum Occurrence: Identified { static let idPrefix = "evt" }

extension PBSubmitEventRequest {
    fileprivate init(_ payload: PublishSecurityEvent.Payload) {
        self.init()
        id = ID<Occurrence>(uuid: payload.id).description
        type = payload.type
        occurredAt = Google_Protobuf_Timestamp(milliseconds: payload.at)
        data.fields = [
            "subject": .init(stringValue: payload.subject),
            "actor": .init(stringValue: payload.actor),
            "address": .init(stringValue: payload.address),
            "count": .init(numberValue: Double(payload.count)),
            "details": .init(structValue: .init(fields: payload.details.mapValues { .init(stringValue: $0) })),
        ]
    }
}
