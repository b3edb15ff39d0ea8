import Foundation
import Jobs
import Outbound
import Postgres
import Primitives
import Sealing
import TestSupport

@testable import ExecutionService

/// Stores over the running test's database, and runs with cases in it.
struct CaseFixture: Sendable {
    let database: Database
    let tenant = ID<Tenant>.new()

    init(database: Database = TestDatabase.current.database) {
        self.database = database
    }

    var runs: RunStore { RunStore(database: database, jobs: JobQueue(database: database)) }
    var results: ResultStore { ResultStore(database: database) }
    var cases: CaseStore { CaseStore() }
    var queue: CaseQueue { CaseQueue(database: database) }
    var record: RecordCases { RecordCases(database: database, cases: cases, runs: runs, results: results, tags: TagStore(database: database)) }

    /// A lease that has ended as soon as it is given.
    var lapsing: CaseQueue { CaseQueue(database: database, lease: .zero) }

    func worker(
        _ settings: ExecuteCases.Settings = .init(), lease: Duration = CaseQueue.lease, listener: Listener? = nil, outbound: OutboundClient = .init()
    ) throws -> ExecuteCases {
        let execute = ExecuteCase(
            outbound: outbound, secrets: try Self.secrets(database), allowedNetworks: try Network.list("127.0.0.0/8"), userAgent: "Assay/1 (test)",
            logger: .silent)
        return ExecuteCases(
            queue: CaseQueue(database: database, lease: lease), execute: execute, record: record, listener: listener, settings: settings,
            logger: .silent)
    }

    static func secrets(_ database: Database) throws -> SecretStore {
        let sealer = try Sealer(keys: ["1": Secret(Data(repeating: 1, count: 32))], current: "1")
        return SecretStore(database: database, vault: Vault(database: database, config: SealingConfig(sealer: sealer), logger: .silent))
    }

    static func http(_ url: String, assertions: [Assertion] = [], variables: [String: String] = [:], timeout: Int64 = 60_000) -> HTTPCase {
        HTTPCase(
            method: "GET", url: url, headers: [], body: "", variables: variables, assertions: assertions, timeout: timeout, followRedirects: false)
    }

    /// A queued run of `count` equal cases.
    func start(
        _ count: Int, http: HTTPCase = Self.http("http://127.0.0.1:9/"), project: ID<Project> = .new(), environment: String = "",
        concurrency: Int = 16, timeout: Int64? = nil
    ) async throws -> Run {
        let draft = try SuiteRunDraft(
            project: project, suite: .new(), environment: environment, concurrency: concurrency, timeoutMilliseconds: timeout)
        let run = draft.run(name: "Suite", cases: count, triggeredBy: "key_test", at: Date())
        let planned = (0..<count).map { PlannedCase(id: .new(), name: "case \($0)", http: http) }
        try await database.transaction(.tenant(tenant)) { tx in
            _ = try await runs.insertSuiteRun(run, key: nil, tenant: tenant, in: tx)
            try await cases.insert(run, draft, suiteName: "Suite", cases: planned, tenant: tenant, in: tx)
        }
        return run
    }

    func run(_ id: ID<Run>) async throws -> Run { try await runs.get(id, tenant: tenant) }

    func listed(_ id: ID<Run>) async throws -> [TestResult] {
        let span = try await runs.span(id, tenant: tenant).span
        return try await results.list(span, .init(), PageRequest(limit: 200, cursor: ""), tenant: tenant).items
    }

    func details(_ id: ID<Run>) async throws -> [TestResult] {
        var whole: [TestResult] = []
        for result in try await listed(id) { whole.append(try await results.get(result.id, tenant: tenant)) }
        return whole
    }

    static func passed(_ claimed: [ClaimedCase]) -> [FinishedCase] {
        claimed.map {
            FinishedCase(claimed: $0, verdict: .init(outcome: .passed, message: "", type: "", exchange: nil), startedAt: Date(), microseconds: 10)
        }
    }

    /// How often a job of a kind waits for this tenant.
    func jobs(_ kind: String) async throws -> Int {
        try await database.one(.tenant(tenant), "select count(*) as n from jobs where tenant_id = \(tenant) and kind = \(kind)") { try $0.value("n") }
    }
}
