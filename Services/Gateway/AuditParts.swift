import Audit
import AuditAPI
import AuditChain
import Contract
import Foundation
import Primitives
import ServiceKit
import ServiceLifecycle

/// What the audit log consists of in this process.
struct AuditParts {
    let store: AuditStore
    let rpc: AuditRPC
    let services: [any Service]

    init(_ host: ServiceHost, secret: Secret<Data>, security: SecurityLog) throws {
        let store = AuditStore(database: host.database, signer: try AuditSigner(secret: secret.reveal()))
        self.store = store
        rpc = AuditRPC(entries: store, visibility: ActivityVisibility(GatewayProgram.routes.map(\.rule)))
        let collectors =
            try [CollectAudit(own: AuditOutbox(database: host.database), into: store, logger: host.logger)]
            + Upstreams.services.filter { $0 != GatewayProgram.name }.map { service in
                CollectAudit(service, from: PBAuditOutbox.Client(wrapping: try host.upstream(service)), into: store, logger: host.logger)
            }
        let verify = VerifyAudit(store: store, security: security, logger: host.logger)
        services =
            collectors.map { collector in Ticker("collecting the audit", every: .seconds(1), logger: host.logger) { await collector.round() } }
            + [
                Ticker("audit checkpoints", every: .seconds(60), logger: host.logger) { try await store.signDue() },
                Ticker("audit verification", every: .seconds(3600), logger: host.logger) { try await verify.round() },
            ]
    }
}
