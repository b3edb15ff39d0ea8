import AnalyticsAPI
import Postgres
import ServiceKit
import ValidationAPI

/// Owns what failures mean: rules, categories, groups, and the judgement of each run.
@main
struct ValidationProgram: ServiceProgram {
    static let name = "validation"
    static let schema = Schema(name: name, bundle: .module)

    static func assemble(_ host: ServiceHost) async throws -> ServiceParts {
        let failures = FailureStore(database: host.database)
        let verdicts = VerdictStore(database: host.database)
        let analytics = AnalyticsAPI.PBIntake.Client(wrapping: try host.upstream("analytics"))
        let validations = ValidationStore(database: host.database, jobs: host.jobs)
        let rules = RuleStore(database: host.database)
        let groups = GroupStore(database: host.database)
        let baselines = BaselineStore(database: host.database)
        let recategorisations = RecategorisationStore(database: host.database, jobs: host.jobs)
        let logs = LogPatternStore(database: host.database)
        // Logs wait for each other, and nothing else is to wait for them.
        let mining = host.database.bulkhead(poolSize: 2, statementTimeout: 10_000)
        let words = LogVerdictStore(database: host.database)
        let analysis = LogAnalysis(intake: LogIntakeStore(database: mining), words: words, rules: rules)
        // Counting ten million failures takes longer than a query may, and nobody waits for it.
        let history = host.database.bulkhead(poolSize: 2, statementTimeout: 120_000)
        return ServiceParts(
            rpc: [
                BaselinesRPC(baselines: baselines), BaselinesInForceRPC(baselines: baselines),
                IntakeRPC(failures: failures, validations: validations, rules: rules),
                ClassificationsRPC(rules: rules),
                LessonsRPC(rules: rules),
                FailuresRPC(failures: failures, validations: validations),
                ProjectRulesRPC(rules: rules, failures: failures),
                VerdictsRPC(
                    failures: failures, symptoms: SymptomStore(database: host.database), rules: rules,
                    verdicts: verdicts),
                RecategorisationsRPC(recategorisations: recategorisations, rules: rules),
                FailureGroupsRPC(groups: groups, members: GroupMemberStore(database: host.database), failures: failures),
                LogPatternsRPC(patterns: logs, analysis: analysis), LogIntakeRPC(analysis: analysis),
                LogPatternVerdictsRPC(patterns: logs, rules: rules, verdicts: words),
                FailureTriageRPC(
                    triage: TriageStore(database: host.database, groups: groups),
                    decisions: GroupingDecisionStore(database: host.database, groups: groups)),
            ],
            rules: ValidationContract.rules,
            jobs: [
                RecategoriseFailures(
                    recategorisations: RecategorisationStore(database: history, jobs: host.jobs), rules: rules,
                    logs: LogReceiptStore(database: history)),
                CutSignature(cutting: CuttingStore(database: history, jobs: host.jobs)),
                JoinTests(joining: JoiningStore(database: history, jobs: host.jobs)),
                KeepGroups(upkeep: GroupUpkeepStore(database: host.database), logs: logs),
                PublishMessages(failures: failures, analytics: analytics),
                PublishFailureVerdicts(verdicts: verdicts, analytics: analytics),
            ],
            services: [history, mining]
        )
    }
}
