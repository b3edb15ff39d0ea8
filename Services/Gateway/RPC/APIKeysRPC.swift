import CommonAPI
import Foundation
import GRPCCore
import GatewayAPI
import Primitives
import ServiceKit

/// API keys of the caller's organization.
struct APIKeysRPC: PBAPIKeys.SimpleServiceProtocol {
    let keys: KeyStore

    func createAPIKey(request: PBCreateAPIKeyRequest, context: ServerContext) async throws -> PBCreatedAPIKey {
        let caller = Caller.current
        let key = try NewKey(request, maker: caller.permissions, makerProjects: caller.projects, now: Date())
        var random = SystemRandomNumberGenerator()
        let text = KeyText.make(key.kind, using: &random)
        let stored = try await keys.insert(
            key, text: text, tenant: caller.tenant, maker: caller.actor, idempotencyKey: caller.idempotencyKey)
        return PBCreatedAPIKey(stored, text)
    }

    func getAPIKey(request: PBGetAPIKeyRequest, context: ServerContext) async throws -> PBAPIKey {
        PBAPIKey(try await keys.get(ID(request.key, field: "key"), tenant: Caller.current.tenant))
    }

    func rotateAPIKey(request: PBRotateAPIKeyRequest, context: ServerContext) async throws -> PBCreatedAPIKey {
        let caller = Caller.current
        let rotation = try KeyRotation(overlap: request.hasOverlapMs ? request.overlapMs : nil)
        let key = try await keys.get(ID(request.key, field: "key"), tenant: caller.tenant)
        try key.requireHeld(by: caller.permissions, projects: caller.projects)
        var random = SystemRandomNumberGenerator()
        let text = KeyText.make(key.kind, using: &random)
        let rotated = try await keys.rotate(key.id, to: text, rotation, tenant: caller.tenant, idempotencyKey: caller.idempotencyKey)
        return PBCreatedAPIKey(rotated, text)
    }

    func listAPIKeys(request: PBListAPIKeysRequest, context: ServerContext) async throws -> PBListAPIKeysResponse {
        let page = try await keys.list(PageRequest(limit: Int(request.limit), cursor: request.cursor), tenant: Caller.current.tenant)
        var answer = PBListAPIKeysResponse()
        answer.data = page.items.map(PBAPIKey.init)
        answer.page = PBPage(page)
        return answer
    }

    func revokeAPIKey(request: PBRevokeAPIKeyRequest, context: ServerContext) async throws -> PBEmpty {
        try await keys.revoke(ID(request.key, field: "key"), tenant: Caller.current.tenant)
        return PBEmpty()
    }
}
