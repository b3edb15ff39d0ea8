import AnalyticsAPI
import CommonAPI
import Foundation
import Jobs
import Primitives
import ServiceKit
import SwiftProtobuf

/// Tells Analytics which failures of a delivery say the same: neighbouring failures of a test that do have one cause more often than not. Analytics knows
/// messages by their results, so telling them twice changes nothing.
struct PublishMessages: JobHandler {
    struct Payload: JobPayload {
        static let kind = "publish-messages"

        let run: ID<Run>
        let project: ID<Project>
        let branch: String
        let environment: String
        /// Start of the run as the delivery had it, which is how Analytics knows the failures: milliseconds since the epoch.
        let startedAt: Int64
        /// The failures of the run between these two, both included: rows are not copied into a job.
        let first: ID<Result>
        let last: ID<Result>
    }

    /// Analytics stores what waits for it together, but facts go first.
    static let concurrency = 2
    /// The contract's limit of a call.
    static let maxMessages = 2000

    let failures: FailureStore
    let analytics: any AnalyticsAPI.PBIntake.ClientProtocol

    func handle(_ payload: Payload, _ job: Job) async throws {
        var after: ID<Result>?
        repeat {
            let (messages, last) = try await failures.messages(payload, after: after, limit: Self.maxMessages, tenant: job.tenant)
            after = last
            guard !messages.isEmpty else { continue }
            _ = try await analytics.submitMessages(
                .with {
                    $0.project = payload.project.description
                    $0.branch = payload.branch
                    $0.environment = payload.environment
                    $0.startedAt = Google_Protobuf_Timestamp(
                        milliseconds: Date(timeIntervalSince1970: Double(payload.startedAt) / 1000))
                    $0.messages = messages.map { message in
                        .with {
                            $0.result = message.result.description
                            $0.test = message.test.description
                            $0.fingerprint = message.signature.id.fingerprint
                        }
                    }
                })
        } while after != nil
    }
}

extension SignatureID {
    /// What Analytics compares messages by: 64 bits, never 0.
    var fingerprint: UInt64 { max(1, high ^ low) }
}
