import AnalyticsAPI
import Postgres
import ServiceKit

/// Owns what results add up to: facts, each test's history, daily rollups.
@main
struct AnalyticsProgram: ServiceProgram {
    static let name = "analytics"
    static let schema = Schema(name: name, bundle: .module)

    static func assemble(_ host: ServiceHost) async throws -> ServiceParts {
        let config = try AnalyticsConfig(host.config)
        let quarantines = QuarantineStore(database: host.database, limits: config.quarantine)
        let stabilities = StabilityStore(database: host.database)
        let facts = FactStore(database: host.database, stabilities: stabilities)
        let tests = TestStore(database: host.database)
        let rollups = RollupStore(database: host.database)
        let revisions = RevisionStore(database: host.database)
        let sheets = SheetStore(database: host.database)
        let testDays = TestDayStore(database: host.database)
        let levels = LevelChangeStore(database: host.database)
        let environments = EnvironmentStore(database: host.database, stabilities: stabilities)
        return ServiceParts(
            rpc: [
                IntakeRPC(
                    facts: FactQueue(facts: facts), days: DayStore(database: host.database),
                    aliases: AliasStore(database: host.database, stabilities: stabilities, quarantines: quarantines)),
                TrendsRPC(rollups: rollups, revisions: revisions),
                LevelChangesRPC(levels: levels),
                LevelChangeVerdictsRPC(levels: levels),
                QualityScoresRPC(tests: tests, rollups: rollups, sheets: sheets, revisions: revisions),
                SetComparisonsRPC(sheets: sheets, tests: tests, revisions: revisions),
                TestDurationsRPC(tests: tests, facts: facts, revisions: revisions),
                TestTrendsRPC(tests: tests, days: testDays, revisions: revisions),
                TestsRPC(tests: tests, facts: facts, revisions: revisions),
                TestGridsRPC(tests: tests, facts: facts, revisions: revisions),
                StabilitiesRPC(tests: tests, stabilities: stabilities, quarantines: quarantines, revisions: revisions),
                TestVerdictsRPC(tests: tests, stabilities: stabilities, verdicts: TestVerdictStore(database: host.database)),
                QuarantinesRPC(quarantines: quarantines),
                QuarantinedTestsRPC(quarantines: quarantines),
                TurnsRPC(turns: TurnStore(database: host.database)),
                FailureEvidencesRPC(
                    failures: FailureEvidenceStore(database: host.database), tests: tests, stabilities: stabilities, quarantines: quarantines),
                EnvironmentIncidentsRPC(environments: environments),
            ],
            rules: AnalyticsContract.rules,
            jobs: [
                SearchEnvironment(environments: environments), RollUpTestDays(days: testDays, jobs: host.jobs),
                FindTrendChanges(rollups: rollups, levels: levels),
            ],
            services: [
                KeepPartitions.ticker(
                    facts: facts, rollups: rollups, levels: levels, testDays: testDays, sheets: sheets,
                    commits: CommitStore(database: host.database), logger: host.logger)
            ]
        )
    }
}
