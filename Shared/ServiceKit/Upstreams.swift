import GRPCCore
import ServiceLifecycle
import Synchronization

/// The services that this process calls. A client is made when `assemble` asks for it and lives as long as the process.
final class Upstreams: Service {
    private let clients = Mutex<[String: GRPCClient<ServiceTransport>]>([:])
    private let config: ServiceConfig
    private let keys: CallerKeys
    private let security: PeerSecurity

    init(config: ServiceConfig, keys: CallerKeys, security: PeerSecurity) {
        self.config = config
        self.keys = keys
        self.security = security
    }

    func client(_ service: String) throws -> GRPCClient<ServiceTransport> {
        try clients.withLock { clients in
            if let client = clients[service] { return client }
            let transport = try ServiceTransport(
                config.transport, to: try config.endpoints(of: service), security: security, service: service)
            let client = GRPCClient(transport: transport, interceptors: [ClientCallInterceptor(audience: service, keys: keys)])
            clients[service] = client
            return client
        }
    }

    /// Keeps the connections; ends once told to and all calls are answered.
    func run() async throws {
        let clients = clients.withLock { Array($0.values) }
        await withGracefulShutdownHandler {
            await withTaskGroup(of: Void.self) { group in
                for client in clients { group.addTask { try? await client.runConnections() } }
                // A process that calls nobody waits here, since a service that ends takes the process along.
                group.addTask { try? await gracefulShutdown() }
            }
        } onGracefulShutdown: {
            for client in clients { client.beginGracefulShutdown() }
        }
    }
}
