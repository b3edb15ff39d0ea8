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
        // What holds now, not what did when the job was made: of two changes in a row the later one may be told first.
        let known = try await aliases.resolve([payload.alias], project: payload.project, tenant: job.tenant)
        _ = try await validation.submitAlias(
            .with {
                $0.project = payload.project.description
                $0.alias = payload.alias.description
                $0.test = known[payload.alias]?.description ?? ""
            })
    }
}
