import ExecutionAPI
import Postgres
import SchedulingAPI
import ServiceKit

/// Owns when things happen: schedules and their firings.
@main
struct SchedulingProgram: ServiceProgram {
    static let name = "scheduling"
    static let schema = Schema(name: name, bundle: .module)

    static func assemble(_ host: ServiceHost) async throws -> ServiceParts {
        let schedules = ScheduleStore(database: host.database)
        let firings = FiringStore(database: host.database)
        let runs = PBRuns.Client(wrapping: try host.upstream("execution"))
        return ServiceParts(
            rpc: [SchedulesRPC(schedules: schedules, firings: firings)],
            rules: SchedulingContract.rules,
            jobs: [StartFiring(firings: firings, runs: runs)],
            services: [FireDueSchedules.ticker(firings: firings, jobs: host.jobs, logger: host.logger)]
        )
    }
}
