import Crypto
import Foundation
import GRPCCore
import Jobs
import NotificationsAPI
import Primitives
import ServiceKit
import SwiftProtobuf

/// Tells Notifications that an organization has reached a threshold of a quota: `quota.warning`, once in a month for each.
struct PublishQuotaWarning: JobHandler {
    struct Payload: JobPayload {
        static let kind = "publish-quota-warning"

        let quota: String
        /// `soft` or `hard`.
        let threshold: String
        /// First day of the month: `2026-11-01`.
        let month: String
        let used: Int64
        let soft: Int64
        let hard: Int64
        let resetsAt: Date?
        let noticedAt: Date
    }

    let notifications: any PBIntake.ClientProtocol

    func handle(_ payload: Payload, _ job: Job) async throws {
        let name = "quota.warning/\(job.tenant)/\(payload.quota)/\(payload.month)/\(payload.threshold)"
        _ = try await notifications.submitEvent(
            .with {
                // The same in every try.
                $0.id = ID<QuotaEvent>(uuid: .version8(digest: SHA256.hash(data: Data(name.utf8)))).description
                $0.type = "quota.warning"
                $0.occurredAt = Google_Protobuf_Timestamp(milliseconds: payload.noticedAt)
                $0.data.fields = [
                    "quota": .init(stringValue: payload.quota), "threshold": .init(stringValue: payload.threshold),
                    "used": .init(numberValue: Double(payload.used)), "soft_limit": .init(numberValue: Double(payload.soft)),
                    "hard_limit": .init(numberValue: Double(payload.hard)), "url": .init(stringValue: "/api/v1/quotas"),
                ]
                if let resetsAt = payload.resetsAt { $0.data.fields["resets_at"] = .init(stringValue: resetsAt.formatted(.iso8601)) }
            })
    }
}

/// What the warning is about; names the event.
enum QuotaEvent: Identified { static let idPrefix = "evt" }
