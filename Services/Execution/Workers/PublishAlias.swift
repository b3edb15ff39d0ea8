import AnalyticsAPI
import GRPCCore
import Jobs
import Primitives
import SwiftProtobuf

/// Tells Analytics that two tests are one, or no longer: it joins their histories, and takes facts that are still on their way for those of the test.
struct PublishAlias: JobHandler {
    struct Payload: JobPayload {
        static let kind = "publish-alias"

        let project: ID<Project>
        let alias: ID<TestIdentity>
    }

    let aliases: AliasStore
    let analytics: any AnalyticsAPI.PBIntake.ClientProtocol

    /// Analytics counts the days and changes of a long history anew, each in a statement that has a minute; the job's lease is kept meanwhile.
    private static let patience = Duration.seconds(180)

    func handle(_ payload: Payload, _ job: Job) async throws {
        var options = CallOptions.defaults
        options.timeout = Self.patience
        try await AliasAnnouncement(aliases: aliases).make(of: payload.alias, project: payload.project, tenant: job.tenant) { test in
            _ = try await analytics.submitAlias(
                .with {
                    $0.project = payload.project.description
                    $0.alias = payload.alias.description
                    $0.test = test
                }, options: options)
        }
    }
}
