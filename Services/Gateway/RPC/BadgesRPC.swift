import GRPCCore
import GatewayAPI
import Postgres
import Primitives
import ServiceKit
import SwiftProtobuf

/// `assay.gateway.v1.Badges`
struct BadgesRPC: PBBadges.SimpleServiceProtocol {
    let tokens: BadgeTokenStore
    let signer: BadgeToken.Signer
    let publicURL: String

    init(_ config: GatewayConfig, database: Database) {
        tokens = BadgeTokenStore(database: database)
        signer = BadgeToken.Signer(secret: config.secret.reveal())
        publicURL = config.publicAddress
    }

    func getBadgeToken(request: PBGetBadgeTokenRequest, context: ServerContext) async throws -> PBBadgeToken {
        let project = try checked(request.project)
        guard let generation = try await tokens.generation(of: project, tenant: Caller.current.tenant) else { throw Fault.organizationSuspended }
        return answer(project, generation)
    }

    func rotateBadgeToken(request: PBRotateBadgeTokenRequest, context: ServerContext) async throws -> PBBadgeToken {
        let (project, caller) = (try checked(request.project), Caller.current)
        return answer(project, try await tokens.rotate(project, key: caller.idempotencyKey, tenant: caller.tenant))
    }

    private func checked(_ text: String) throws(Fault) -> ID<Project> {
        let project = try ID<Project>(text, field: "project")
        try Caller.current.require(project: project)
        return project
    }

    private func answer(_ project: ID<Project>, _ generation: Int32) -> PBBadgeToken {
        let token = signer.sign(BadgeToken(tenant: Caller.current.tenant, project: project, generation: generation))
        return .with {
            $0.project = project.description
            $0.token = token
            $0.url = "\(publicURL)/badges/\(project)/status.svg?token=\(token)"
        }
    }
}
