import CommonAPI
import Foundation
import GRPCCore
import Jobs
import Postgres
import Primitives
import ServiceKit
import SwiftProtobuf
import TestSupport
import Testing
import ValidationAPI

@testable import ValidationService

@Suite("lessons beside a release that does not learn, and after it", .database(ValidationProgram.schema, JobSchema.schema))
struct LessonUpgradeTests {
    let fixture = JudgingFixture()

    @Test("a release that does not learn leaves neighbours where it judges again: they are no part of its receipt, which replays")
    func stale() async throws {
        try await fixture.serve { clients in
            let first = try await fixture.filed("warehouse 17 gave no stock figures", clients)
            try await fixture.say(.network, of: first.result, clients)
            let learned = try await fixture.filed("warehouse 18 gave no stock figures", clients)
            let slow = try await fixture.filed("warehouse 19 gave no stock figures: timed out", clients)
            #expect(learned.rule == "learned" && slow.rule == "timeout.exceeded")
            let tenant = fixture.tenant
            let (from, to) = (try ID<ValidationService.Result>(learned.result), try ID<ValidationService.Result>(slow.result))
            // As rules alone judge the one and the other, after both had been learned.
            let unsaid = try ID<ValidationService.Result>(first.result)
            try await fixture.database.execute(
                .tenant(tenant),
                """
                update failures f set lessons_edition = l.lessons_edition, learned_edition = l.learned_edition, neighbours = l.neighbours
                from failures l where f.tenant_id = \(tenant) and f.result_id = \(to) and l.tenant_id = f.tenant_id and l.result_id = \(from)
                """)
            try await fixture.database.execute(
                .tenant(tenant),
                """
                update failures f set category = l.judged_category, severity = l.judged_severity, rule = l.rule, evidence = l.evidence
                from failures l where f.tenant_id = \(tenant) and f.result_id = \(from) and l.tenant_id = f.tenant_id and l.result_id = \(unsaid)
                """)
            for (result, rule) in [(learned.result, "assertion.failed"), (slow.result, "timeout.exceeded")] {
                let replay = try await clients.verdicts.replayFailure(.with { $0.result = result })
                #expect(replay.agrees && replay.rule == rule && replay.neighbours.isEmpty && replay.receipt.neighbours.isEmpty, "\(replay)")
                #expect(replay.receipt.lessonsEdition == 0 && replay.receipt.learnedEdition == 0)
            }
            // Nor is there anything to ask when a rule knows it, in whatever way it had been compared.
            try await fixture.database.execute(
                .tenant(tenant),
                "update failures set neighbours = null, learned_edition = 99 where tenant_id = \(tenant) and result_id = \(to)")
            #expect(try await clients.verdicts.replayFailure(.with { $0.result = slow.result }).agrees)
        }
    }

    @Test("words that were said before there were lessons are lessons after the migration")
    func migrated() async throws {
        try await fixture.serve { clients in
            let results = try await fixture.file(["warehouse 17 gave no stock figures", "printer ran out of paper", "nobody said anything of it"])
            try await fixture.say(.network, .critical, of: results[0], clients)
            try await fixture.say(.resource, of: results[1], clients)
        }
        // What the release before leaves, and what the migration makes of it.
        let database = fixture.database
        try await database.execute(.tenant(fixture.tenant), "delete from lessons where tenant_id = \(fixture.tenant)")
        try await database.execute(.tenant(fixture.tenant), "update rulebooks set lessons_edition = 0 where tenant_id = \(fixture.tenant)")
        try await database.execute(.tenant(fixture.tenant), "update failure_verdicts set own_severity = null where tenant_id = \(fixture.tenant)")
        let whole = try #require(ValidationProgram.schema.files.first { $0.name == "0012_lessons.sql" }?.sql)
        let statements = whole.split(separator: ";").map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }
        let backfill = statements.filter { $0.hasPrefix("update ") || $0.hasPrefix("insert ") }
        #expect(backfill.count == 3)
        for statement in backfill { try await database.execute(.tenant(fixture.tenant), SQL(stringLiteral: statement)) }
        try await fixture.serve { clients in
            let listed = try await fixture.lessons(clients)
            #expect(listed.map(\.category) == [.resource, .network] && listed.map(\.edition) == [2, 1])
            #expect(listed.map(\.severity) == [.severityUnspecified, .critical])
            let found = try await fixture.filed("warehouse 18 gave no stock figures", clients)
            #expect(found.rule == "learned" && found.severity == .critical)
        }
    }

    @Test("what was said or taken back at a replica that does not learn is made up for when the project's groups are next looked through")
    func catchingUp() async throws {
        let upkeep = GroupUpkeepStore(database: fixture.database)
        let scope = ProjectScope(tenant: fixture.tenant, project: fixture.project)
        try await fixture.serve { clients in
            let results = try await fixture.file([
                "warehouse 17 gave no stock figures", "printer ran out of paper", "lift is stuck", "no more coffee",
            ])
            for result in results.prefix(3) { try await fixture.say(.network, of: result, clients) }
            let learned = try await fixture.filed("warehouse 18 gave no stock figures", clients)
            #expect(learned.rule == "learned")
            #expect(try await upkeep.catchUpLessons(scope) == 0)

            try await without(ID(results[0]), scope)
            try await said("data", of: ID(results[1]), scope)
            try await said("resource", of: ID(results[3]), scope)
            #expect(try await fixture.lessons(clients).map(\.category) == [.network, .network, .network])
            // That release does not keep whose the severity is: what is not the machine's was named.
            try await fixture.database.execute(
                .tenant(scope.tenant),
                """
                update failure_verdicts set severity = 'critical'
                where tenant_id = \(scope.tenant) and result_id = \(ID<ValidationService.Result>(results[3]))
                """)
            for (result, severity) in [(results[1], PBSeverity.Value.severityUnspecified), (results[3], .critical)] {
                #expect(try await clients.verdicts.getVerdict(.with { $0.result = result }).severity == severity)
                let listed = try await clients.verdicts.listVerdicts(.with { $0.result = result }).data
                #expect(listed.first?.severity == severity)
            }

            #expect(try await upkeep.catchUpLessons(scope) == 3)
            let listed = try await fixture.lessons(clients)
            #expect(listed.map(\.category) == [.resource, .data, .network] && listed.map(\.result) == [results[3], results[1], results[2]])
            #expect(listed.map(\.severity) == [.critical, .severityUnspecified, .severityUnspecified])
            #expect(Set(listed.map(\.edition)).count == 3 && listed.allSatisfy { $0.edition != 1 })
            #expect(try await upkeep.catchUpLessons(scope) == 0)
            #expect(try await fixture.filed("warehouse 19 gave no stock figures", clients).rule == "assertion.failed")
            #expect(try await clients.verdicts.replayFailure(.with { $0.result = learned.result }).agrees)
        }
    }

    /// As the release before takes a word back.
    private func without(_ result: ID<ValidationService.Result>, _ scope: ProjectScope) async throws {
        try await word(
            result, scope,
            """
            update failures
            set category = judged_category, severity = judged_severity, judged_category = null, judged_severity = null, verdict_version = verdict_version + 1
            where tenant_id = \(scope.tenant) and result_id = \(result)
            """, category: nil)
    }

    /// As the release before takes a word.
    private func said(_ category: String, of result: ID<ValidationService.Result>, _ scope: ProjectScope) async throws {
        try await word(
            result, scope,
            """
            update failures
            set judged_category = coalesce(judged_category, category), judged_severity = coalesce(judged_severity, severity), category = \(category),
                verdict_version = verdict_version + 1
            where tenant_id = \(scope.tenant) and result_id = \(result)
            """, category: category)
    }

    private func word(_ result: ID<ValidationService.Result>, _ scope: ProjectScope, _ change: SQL, category: String?) async throws {
        try await fixture.database.transaction(.tenant(scope.tenant)) { tx in
            try await scope.lock(in: tx)
            try await tx.execute(change)
            try await tx.execute(
                """
                insert into failure_verdicts (tenant_id, result_id, version, project_id, category, severity, note, decided_by, decided_at)
                select tenant_id, result_id, verdict_version, project_id, \(category), case when \(category)::text is not null then severity end, '',
                    'usr_ann', clock_timestamp()
                from failures where tenant_id = \(scope.tenant) and result_id = \(result)
                """)
            try await SignatureVerdicts().update(of: result, scope, in: tx)
        }
    }
}
