import AnalyticsAPI
import Postgres
import ServiceKit

/// Owns what results add up to: facts, each test's history, daily rollups.
@main
struct AnalyticsProgram: ServiceProgram {
    static let name = "analytics"
    static let schema = Schema(name: name, bundle: .module)

    static func assemble(_ host: ServiceHost) async throws -> ServiceParts {
        let facts = FactStore(database: host.database)
        return ServiceParts(
            rpc: [
                IntakeRPC(facts: facts, days: DayStore(database: host.database), aliases: AliasStore(database: host.database)),
                TrendsRPC(days: DayStore(database: host.database)),
                TestsRPC(tests: TestStore(database: host.database), facts: facts),
            ],
            rules: AnalyticsContract.rules,
            services: [KeepPartitions.ticker(facts: facts, logger: host.logger)]
        )
    }
}
