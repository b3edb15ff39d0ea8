import NotificationsAPI
import Outbound
import Postgres
import Sealing
import ServiceKit

/// Owns who hears of what: channels, and what was delivered to them.
@main
struct NotificationsProgram: ServiceProgram {
    static let name = "notifications"
    static let schema = Schema(name: name, bundle: .module)
    static let components = [DataKeySchema.schema]

    static func assemble(_ host: ServiceHost) async throws -> ServiceParts {
        let config = try NotificationsConfig(host.config)
        let vault = Vault(database: host.database, config: config.sealing, logger: host.logger)
        let channels = ChannelStore(database: host.database, vault: vault)
        let deliveries = DeliveryStore(database: host.database)
        let outbound = OutboundClient()
        return ServiceParts(
            rpc: [
                ChannelsRPC(channels: channels, deliveries: deliveries, jobs: host.jobs, outbound: outbound, policy: config.egress),
                DeliveriesRPC(deliveries: deliveries, jobs: host.jobs),
                IntakeRPC(deliveries: deliveries, jobs: host.jobs),
                MailRPC(jobs: host.jobs, sealer: config.sealer, route: config.mail),
            ],
            rules: NotificationsContract.rules,
            jobs: [
                DeliverWebhook(
                    channels: channels, deliveries: deliveries, outbound: outbound, policy: config.egress,
                    checks: GitHubChecks(outbound: outbound, policy: config.egress, deliveries: deliveries, publicURL: config.publicURL)),
                DeliverMail(sealer: config.sealer, route: config.mail, from: config.mailFrom),
            ],
            services: [
                vault.rotation,
                Ticker("reseal-channels", every: .seconds(60), logger: host.logger) { try await ResealChannels(channels: channels).round() },
            ],
            checks: [vault.check],
            preflight: [vault.preflight]
        )
    }
}
