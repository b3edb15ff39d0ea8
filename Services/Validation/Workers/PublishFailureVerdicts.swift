import AnalyticsAPI
import CommonAPI
import Foundation
import Jobs
import Primitives
import ServiceKit
import SwiftProtobuf

/// Tells Analytics of failures that a person called the environment's, or calls so no longer: they leave their tests, or come back to them. It tells what
/// holds when it runs, with the verdict's version, so telling it twice or late changes nothing.
struct PublishFailureVerdicts: JobHandler {
    struct Payload: JobPayload {
        static let kind = "publish-failure-verdicts"

        let project: ID<Project>
        /// Of one transaction.
        let results: [ID<Result>]
    }

    /// Analytics takes the project's lock for each.
    static let concurrency = 2
    /// Analytics waits four hours for a failure that it does not know: a quarter of an hour apart at last, these outlast that.
    static let maxAttempts = 30
    /// The contract's limit of a call.
    static let maxVerdicts = 2000

    let verdicts: VerdictStore
    let analytics: any AnalyticsAPI.PBIntake.ClientProtocol

    func handle(_ payload: Payload, _ job: Job) async throws {
        for start in stride(from: 0, to: payload.results.count, by: Self.maxVerdicts) {
            let page = Array(payload.results[start..<min(payload.results.count, start + Self.maxVerdicts)])
            let words = try await verdicts.environmentWords(on: page, tenant: job.tenant)
            guard !words.isEmpty else { continue }
            _ = try await analytics.submitFailureVerdicts(
                .with {
                    $0.project = payload.project.description
                    $0.verdicts = words.map { word in
                        .with {
                            $0.result = word.result.description
                            $0.environment = word.isEnvironment
                            $0.version = word.version
                            $0.decidedAt = Google_Protobuf_Timestamp(milliseconds: word.decidedAt)
                        }
                    }
                })
        }
    }
}
