import Foundation
import Jobs
import Postgres
import Primitives
import ServiceKit
import TestSupport

@testable import ExecutionService

/// A tenant with a project, and uploads to it over the running test's database.
struct UploadFixture: Sendable {
    let database: Database
    let tenant = ID<Tenant>.new()
    let project = ID<Project>.new()
    let slots: UploadSlots
    let quiet: Duration

    init(
        database: Database = TestDatabase.current.database, slots: UploadSlots = UploadSlots(count: 4, patience: .seconds(20)),
        quiet: Duration = .seconds(3600)
    ) {
        self.database = database
        self.slots = slots
        self.quiet = quiet
    }

    var jobs: JobQueue { JobQueue(database: database) }
    var runs: RunStore { RunStore(database: database, jobs: jobs) }
    var results: ResultStore { ResultStore(database: database) }
    var uploads: UploadStore { UploadStore(database: database) }
    var owners: CodeOwnersStore { CodeOwnersStore(database: database) }
    var rules: ReadingRulesStore { ReadingRulesStore(database: database, owners: owners) }
    var aliases: AliasStore { AliasStore(database: database, jobs: jobs) }
    var reread: Reread { Reread(uploads: uploads, results: results, rules: rules, aliases: aliases) }
    var suites: RunSuiteStore { RunSuiteStore(database: database) }
    var tags: TagStore { TagStore(database: database) }
    var ingest: Ingest {
        Ingest(
            database: database, slots: slots, runs: runs, results: results, uploads: uploads, rules: rules, tags: tags, suites: suites, jobs: jobs,
            quiet: quiet)
    }

    /// Parts of files as the gateway sends them.
    struct Parts: AsyncIteratorProtocol {
        private var parts: [UploadInput]
        private let breaksOff: Bool

        init(_ files: [(name: String, data: Data)], size: Int = 256 << 10, breakingOffAfter count: Int? = nil) {
            parts = files.flatMap { file in
                [.file(name: file.name, encoding: "")]
                    + stride(from: 0, to: file.data.count, by: size).map { .data(Data(file.data.dropFirst($0).prefix(size))) } + [.end]
            }
            breaksOff = count != nil
            if let count { parts = Array(parts.prefix(count)) }
            parts.reverse()
        }

        mutating func next() async throws -> UploadInput? { try await next(isolation: nil) }

        mutating func next(isolation actor: isolated (any Actor)?) async throws(any Error) -> UploadInput? {
            guard let part = parts.popLast() else {
                if breaksOff { throw BrokenOff() }
                return nil
            }
            return part
        }
    }

    struct BrokenOff: Error {}

    func order(
        _ ci: Run.CI = .init(), key: String? = nil, name: String = "", branch: String = "main", commit: String = "c0ffee", lane: Lane = .trusted,
        tags: [String: String] = ["os": "linux"], retryOf: [ID<Upload>] = [], past: PastRun? = nil, ended: EndedCommand? = nil
    ) throws -> Ingest.Order {
        var draft = try UploadDraft(
            project: project, ci: ci, name: name, branch: branch, commit: commit, environment: "ci", tags: tags, retryOf: retryOf,
            lane: lane)
        draft.past = past
        draft.ended = ended
        return Ingest.Order(draft: draft, tenant: tenant, actor: "key_test", key: key, now: Date())
    }

    func upload(
        _ xml: Data, ci: Run.CI = .init(), key: String? = nil, name: String = "", branch: String = "main", commit: String = "c0ffee",
        lane: Lane = .trusted, tags: [String: String] = ["os": "linux"], retryOf: [ID<Upload>] = [], past: PastRun? = nil
    ) async throws -> UploadReceipt {
        var parts = Parts([("report.xml", xml)])
        return try await ingest.receive(
            order(ci, key: key, name: name, branch: branch, commit: commit, lane: lane, tags: tags, retryOf: retryOf, past: past), &parts)
    }

    func upload(_ parts: Parts, ci: Run.CI = .init()) async throws -> UploadReceipt {
        var parts = parts
        return try await ingest.receive(order(ci), &parts)
    }

    @discardableResult
    func put(owners content: String, commit: String = "", branch: String = "", expected: Int64 = 0) async throws -> ID<CodeOwnersVersion> {
        let place = CodeOwnersVersion.Place(unchecked: commit, branch)
        return try await owners.put(content, place, expected: expected, project: project, tenant: tenant).file.version.id
    }

    func run(_ id: ID<Run>) async throws -> Run { try await runs.get(id, tenant: tenant) }

    func close(_ run: ID<Run>, version: Int64) async throws {
        try await CloseQuietRun(runs: runs).close(.init(run: run, version: version), tenant: tenant)
    }

    /// All results of a run in their order.
    func listed(_ id: ID<Run>, _ filter: ResultStore.Filter = .init()) async throws -> [TestResult] {
        let span = try await runs.span(id, tenant: tenant).span
        var all: [TestResult] = []
        var cursor = ""
        while true {
            let page = try await results.list(span, filter, PageRequest(limit: 200, cursor: cursor), tenant: tenant)
            all += page.items
            guard let next = page.next else { return all }
            cursor = next
        }
    }

    func count(_ table: String) async throws -> Int {
        try await database.one(.tenant(tenant), "select count(*) as n from \(identifier: table)") { try $0.value("n") }
    }

    /// Kinds and keys of the jobs that wait, in the order of their kinds.
    func waiting() async throws -> [String] {
        try await database.rows(.tenant(tenant), "select kind || ' ' || coalesce(payload->>'receiver', '') as what from jobs order by 1") {
            try $0.value("what")
        }
    }
}
