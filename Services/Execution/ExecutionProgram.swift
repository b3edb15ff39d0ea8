import AnalyticsAPI
import ExecutionAPI
import Foundation
import NotificationsAPI
import Outbound
import Postgres
import ProjectsAPI
import Sealing
import ServiceKit
import ValidationAPI

/// Owns what tests did: runs, results, uploads; reads reports and executes suites.
@main
struct ExecutionProgram: ServiceProgram {
    static let name = "execution"
    static let schema = Schema(name: name, bundle: .module)
    static let components = [DataKeySchema.schema]

    static func assemble(_ host: ServiceHost) async throws -> ServiceParts {
        let config = try ExecutionConfig(host.config)
        let runs = RunStore(database: host.database, jobs: host.jobs)
        let results = ResultStore(database: host.database)
        let uploads = UploadStore(database: host.database)
        let partial = PartialUploadStore(database: host.database)
        let comparisons = ComparisonStore(database: host.database)
        let owners = CodeOwnersStore(database: host.database)
        let rules = ReadingRulesStore(database: host.database, owners: owners)
        let aliases = AliasStore(database: host.database, jobs: host.jobs)
        let tags = TagStore(database: host.database)
        let runSuites = RunSuiteStore(database: host.database)
        let cases = CaseStore()
        let record = RecordCases(database: host.database, cases: cases, runs: runs, results: results, tags: tags)
        let watcher = RunWatcher(listener: host.listener)
        // Uploads have a pool of their own, so that slow clients do not starve reads. Inserts of thousands of rows may take longer than a query.
        let ingestPool = host.database.bulkhead(poolSize: config.ingestConnections, statementTimeout: 30_000)
        let ingest = Ingest(
            database: ingestPool, slots: UploadSlots(count: config.ingestConnections, patience: config.ingestWait), runs: runs, results: results,
            uploads: uploads, rules: rules, tags: tags, suites: runSuites, jobs: host.jobs, quiet: config.quiet,
            patience: config.ingestPatience)
        let suites = SuiteRuns(
            database: host.database, runs: runs, cases: cases, record: record, suites: PBSuites.Client(wrapping: try host.upstream("projects")))
        let vault = Vault(database: host.database, config: config.sealing, logger: host.logger)
        let secrets = SecretStore(database: host.database, vault: vault)
        let execute = ExecuteCase(
            outbound: OutboundClient(), secrets: secrets, allowedNetworks: config.allowedNetworks, userAgent: config.userAgent, logger: host.logger)
        let artifacts = ArtifactStore(database: host.database)
        let storage = config.artifacts.storage()
        let usage = UsageStore(database: host.database)
        let intake = ArtifactIntake(
            artifacts: artifacts, storage: storage, results: results, usage: usage, jobs: host.jobs, incoming: config.artifacts.incoming,
            maxBytes: config.artifacts.maxBytes)
        let sweep = SweepArtifacts(
            artifacts: artifacts, storage: storage, incoming: config.artifacts.incoming, retention: config.artifacts.retention,
            grace: config.artifacts.grace)
        let validation = ValidationAPI.PBIntake.Client(wrapping: try host.upstream("validation"))
        let analytics = AnalyticsAPI.PBIntake.Client(wrapping: try host.upstream("analytics"))
        let quarantine = Quarantine(
            failures: QuarantinedFailureStore(database: host.database),
            analytics: PBQuarantinedTests.Client(wrapping: try host.upstream("analytics")))
        let resultsRPC = ResultsRPC(runs: runs, results: results, tags: tags, suites: runSuites, comparisons: comparisons)
        let judge = RegressionJudge(
            runs: runs, regressions: RegressionStore(database: host.database, comparisons: comparisons),
            receipts: RegressionReceiptStore(database: host.database), answers: RegressionAnswerStore(database: host.database),
            verdicts: RegressionVerdictStore(database: host.database),
            baselines: PBBaselinesInForce.Client(wrapping: try host.upstream("validation")),
            turns: PBTurns.Client(wrapping: try host.upstream("analytics")),
            evidence: PBFailureEvidences.Client(wrapping: try host.upstream("analytics")))
        let retryPlans = RetryPlanStore(database: host.database)
        let retryWords = RetryWordStore(database: host.database)
        let logs = PBLogIntake.Client(wrapping: try host.upstream("validation"))
        let notifications = NotificationsAPI.PBIntake.Client(wrapping: try host.upstream("notifications"))
        return ServiceParts(
            rpc: [
                RunsRPC(runs: runs, watcher: watcher, suites: suites),
                resultsRPC,
                RegressionsRPC(judge: judge, results: resultsRPC),
                RegressionVerdictsRPC(judge: judge),
                UploadsRPC(ingest: ingest, uploads: uploads, reread: Reread(uploads: uploads, results: results, rules: rules, aliases: aliases)),
                PartialUploadsRPC(uploads: partial),
                ArtifactsRPC(artifacts: artifacts, runs: runs, storage: storage, intake: config.artifacts.isConfigured ? intake : nil),
                ReadingRulesRPC(rules: rules, owners: owners),
                TestAliasesRPC(aliases: aliases, runs: runs, comparisons: comparisons),
                QuarantineChecksRPC(runs: runs, quarantine: quarantine),
                ExcusesRPC(runs: runs, excuses: ExcuseStore(database: host.database)),
                RetriesRPC(
                    runs: runs, retries: RetryStore(database: host.database), plans: retryPlans, words: retryWords, rules: rules,
                    classifications: PBClassifications.Client(wrapping: try host.upstream("validation")),
                    evidence: PBFailureEvidences.Client(wrapping: try host.upstream("analytics"))),
                RetryPlansRPC(runs: runs, plans: retryPlans),
                RetryWordsRPC(words: retryWords),
                UsageRPC(usage: usage),
                SecretsRPC(secrets: secrets),
            ],
            rules: ExecutionContract.rules,
            jobs: [
                PublishBatch(runs: runs, results: results, uploads: uploads, validation: validation, analytics: analytics),
                PublishRun(
                    runs: runs, results: results, quarantine: quarantine, judge: judge, validation: validation, analytics: analytics,
                    notifications: notifications),
                PublishAlias(aliases: aliases, analytics: analytics),
                PublishAliasToGroups(aliases: aliases, validation: validation),
                CloseQuietRun(runs: runs),
                MineLog(artifacts: artifacts, runs: runs, storage: storage, logs: logs, jobs: host.jobs),
                MineSuiteOutput(suites: runSuites, runs: runs, logs: logs),
            ],
            services: [
                ingestPool,
                watcher,
                ExecuteCases(
                    queue: CaseQueue(database: host.database), execute: execute, record: record, listener: host.listener,
                    settings: .init(concurrency: config.concurrency, tenantConcurrency: config.tenantConcurrency), logger: host.logger),
                Ticker("result partitions", every: .seconds(24 * 3600), logger: host.logger) { try await results.ensurePartitions() },
                Ticker("partial uploads", every: .seconds(300), logger: host.logger) { try await partial.sweep() },
                Ticker("artifacts", every: config.artifacts.sweepInterval, logger: host.logger) { try await sweep.round(now: Date()) },
                vault.rotation,
            ],
            checks: [vault.check],
            preflight: [vault.preflight]
        )
    }
}
