import GRPCCore
import Logging
import Postgres
import ServiceKit

/// CI without a key, put together: what the program and tests make of a database.
struct TrustAssembly: Sendable {
    let tokens: UploadTokenStore
    let rpc: [any RegistrableRPCService]

    init(config: GatewayConfig, database: Database, security: SecurityLog, logger: Logger) {
        let policies = TrustPolicyStore(database: database)
        let providers = ProviderClient(networks: config.issuerNetworks)
        tokens = UploadTokenStore(database: database)
        rpc = [
            TrustPoliciesRPC(policies: policies, providers: providers, publicURL: config.publicAddress),
            TokenExchangeRPC(
                policies: policies, tokens: tokens, keys: ProviderKeys(logger: logger) { try await providers.keys(of: $0) }, security: security),
        ]
    }
}
