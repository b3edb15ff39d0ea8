import AnalyticsAPI
import Postgres
import ServiceKit

/// Owns what results add up to: facts, each test's history, daily rollups.
@main
struct AnalyticsProgram: ServiceProgram {
    static let name = "analytics"
    static let schema = Schema(name: name, bundle: .module)

    static func assemble(_ host: ServiceHost) async throws -> ServiceParts {
        let stabilities = StabilityStore(database: host.database)
        let facts = FactStore(database: host.database, stabilities: stabilities)
        let tests = TestStore(database: host.database)
        let environments = EnvironmentStore(database: host.database, stabilities: stabilities)
        return ServiceParts(
            rpc: [
                IntakeRPC(
                    facts: FactQueue(facts: facts), days: DayStore(database: host.database),
                    aliases: AliasStore(database: host.database, stabilities: stabilities)),
                TrendsRPC(days: DayStore(database: host.database)),
                TestsRPC(tests: tests, facts: facts),
                StabilitiesRPC(tests: tests, stabilities: stabilities),
                EnvironmentIncidentsRPC(environments: environments),
            ],
            rules: AnalyticsContract.rules,
            jobs: [SearchEnvironment(environments: environments)],
            services: [KeepPartitions.ticker(facts: facts, logger: host.logger)]
        )
    }
}
