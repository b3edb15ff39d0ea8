import GRPCCore
import Jobs
import Primitives
import SwiftProtobuf
import ValidationAPI

/// Tells Validation that two tests are one, or no longer: a failure group counts them once.
struct PublishAliasToGroups: JobHandler {
    struct Payload: JobPayload {
        static let kind = "publish-alias-to-groups"

        let project: ID<Project>
        let alias: ID<TestIdentity>
    }

    let aliases: AliasStore
    let validation: any ValidationAPI.PBIntake.ClientProtocol

    func handle(_ payload: Payload, _ job: Job) async throws {
        try await AliasAnnouncement(aliases: aliases).make(of: payload.alias, project: payload.project, tenant: job.tenant) { test in
            _ = try await validation.submitAlias(
                .with {
                    $0.project = payload.project.description
                    $0.alias = payload.alias.description
                    $0.test = test
                })
        }
    }
}
