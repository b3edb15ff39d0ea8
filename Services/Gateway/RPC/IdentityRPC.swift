import Foundation
import GRPCCore
import GatewayAPI
import Primitives
import ServiceKit

/// Who is asking.
struct IdentityRPC: PBIdentity.SimpleServiceProtocol {
    let organizations: OrganizationStore

    func getIdentity(request: PBGetIdentityRequest, context: ServerContext) async throws -> PBIdentityDescription {
        let caller = Caller.current
        var answer = PBIdentityDescription()
        answer.organization = caller.tenant.description
        // Whoever belongs to no organization yet is known all the same.
        if (try? caller.person())?.uuid == caller.tenant.uuid {
            answer.organization = ""
        } else {
            answer.organizationName = try await organizations.name(of: caller.tenant)
        }
        answer.actor = caller.actor
        answer.permissions = caller.permissions.sorted()
        answer.projects = (caller.projects ?? []).map { ID<Project>(uuid: $0).description }.sorted()
        for (project, permissions) in caller.identity.grants.permissions {
            var held = PBHeldInProject()
            held.project = ID<Project>(uuid: project).description
            held.permissions = permissions.sorted()
            answer.grants.append(held)
        }
        answer.grants.sort { $0.project < $1.project }
        answer.impersonator = caller.impersonator ?? ""
        return answer
    }
}
