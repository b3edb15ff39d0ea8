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
        var answer = PBCreatedAPIKey()
        answer.key = PBAPIKey(stored)
        answer.secret = text.secret.reveal()
        return answer
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
