import Foundation
import Jobs
import Postgres
import Primitives
import TestSupport

@testable import ValidationService

/// A project whose failures are delivered batch by batch.
struct GroupFixture: Sendable {
    let tenant: ID<Tenant>
    let project: ID<ValidationService.Project>
    let database = TestDatabase.current.database

    init(tenant: ID<Tenant> = .new(), project: ID<ValidationService.Project> = .new()) {
        (self.tenant, self.project) = (tenant, project)
    }

    var scope: ProjectScope { ProjectScope(tenant: tenant, project: project) }
    var failures: FailureStore { FailureStore(database: database) }
    var groups: GroupStore { GroupStore(database: database) }
    var members: GroupMemberStore { GroupMemberStore(database: database) }
    var triage: TriageStore { TriageStore(database: database, groups: groups) }
    var decisions: GroupingDecisionStore { GroupingDecisionStore(database: database, groups: groups) }
    var upkeep: GroupUpkeepStore { GroupUpkeepStore(database: database) }
    var validations: ValidationStore { ValidationStore(database: database, jobs: JobQueue(database: database)) }

    static let start = Date(timeIntervalSince1970: 1_790_000_000)
    static func hour(_ hours: Double) -> Date { start.addingTimeInterval(hours * 3600) }

    /// One test a message, which belongs to the owners at its place.
    func batch(
        _ messages: [String], run: ID<ValidationService.Run> = .new(), at hour: Double, branch: String = "main", commit: String = "",
        lane: Lane = .trusted, type: String = "java.io.IOException", owners: [[String]] = []
    ) -> FailureBatch {
        var signer = FailureSigner()
        var failures: [FiledFailure] = []
        for (number, message) in messages.enumerated() {
            let result = FailedResult(
                result: .new(), test: Self.test(number), className: "Orders", name: "test \(number)", outcome: .failed,
                symptoms: Symptoms(message: message, type: type), owners: number < owners.count ? owners[number] : [])
            let judgement = Judgement(category: .network, severity: .high, rule: "r", evidence: "e")
            failures.append(FiledFailure(result: result, judgement: judgement, signature: result.signature(by: &signer)))
        }
        return FailureBatch(
            run: run, project: project, lane: lane, branch: branch, commit: commit, environment: "", startedAt: Self.hour(hour), failures: failures)
    }

    func deliver(_ batch: FailureBatch) async throws {
        let editions = batch.failures.map { _ in Rulebook.Edition(builtIn: BuiltInRules.edition, project: 0) }
        try await failures.insert(batch, by: editions, tenant: tenant)
    }

    /// A trusted run that is whole, and passed but for what was delivered of it.
    func complete(_ run: ID<ValidationService.Run> = .new(), at hour: Double, tests: Int64, branch: String = "main") async throws {
        try await validations.complete(
            FinishedRun(
                run: run, project: project, lane: .trusted, branch: branch, environment: "", commit: "x", startedAt: Self.hour(hour),
                tally: Tally(passed: tests), isWhole: true), tenant: tenant)
    }

    /// The same tests in every run.
    static func test(_ number: Int) -> ID<ValidationService.Test> {
        ID(uuid: UUID(uuid: (1, 2, 3, 4, 5, 6, 0x70, 0, 0x80, 0, 0, 0, 0, 0, UInt8(number / 256), UInt8(number % 256))))
    }

    /// Three words that no two numbers share: nothing that the machine would put together.
    static func words(_ number: Int) -> String {
        [0, 3000, 7000].map { offset in
            let letters = [676, 26, 1].map { UInt8(97 + (number + offset) / $0 % 26) }
            return String(decoding: letters + Array("ish".utf8), as: UTF8.self)
        }.joined(separator: " ")
    }

    /// As `KeepGroups` looks through the project's groups.
    func renew() async throws {
        var last: SignatureID?
        repeat { last = try await upkeep.renew(after: last, scope) } while last != nil
    }

    func list(_ filter: GroupFilter = GroupFilter(), by sort: GroupSort = .lastSeen) async throws -> [FailureGroup] {
        try await groups.list(PageRequest(limit: 200, cursor: ""), filter, by: sort, scope).items
    }

    /// The group of each signature.
    func grouping() async throws -> [ID<Signature>: ID<FailureGroup>] {
        let rows = try await database.rows(
            .tenant(tenant),
            "select signature_id, group_id from failure_signatures where tenant_id = \(tenant) and project_id = \(project)"
        ) { (try $0.value("signature_id", as: ID<Signature>.self), try $0.value("group_id", as: ID<FailureGroup>.self)) }
        return Dictionary(rows) { first, _ in first }
    }

    func author(_ key: String? = nil) -> GroupingDecisionStore.Author { .init(actor: "usr_1", note: "", key: key) }
}
