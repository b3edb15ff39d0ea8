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

@Suite("lessons come and go", .database(ValidationProgram.schema, JobSchema.schema))
struct LessonHistoryTests {
    let fixture = JudgingFixture()

    @Test(
        "whatever people say and take back, every receipt replays, and what stands at the end is all that decides",
        arguments: 1...4 as ClosedRange<UInt64>)
    func property(seed: UInt64) async throws {
        try await fixture.serve { clients in
            var chance = Chance(seed)
            var results: [String] = []
            var standing: [String: (category: PBCategory.Value, place: Int)] = [:]
            for step in 0..<30 {
                switch step < 3 ? 0 : Int.random(in: 0..<8, using: &chance) {
                case 0...2: results += try await fixture.file((0..<3).map { _ in Self.message(&chance) })
                case 3...5:
                    let (result, category) = (
                        results.randomElement(using: &chance)!, [PBCategory.Value.network, .data].randomElement(using: &chance)!
                    )
                    try await fixture.say(category, of: result, clients)
                    standing[result] = (category, step)
                case 6 where !standing.isEmpty:
                    let result = standing.keys.sorted().randomElement(using: &chance)!
                    _ = try await clients.verdicts.deleteVerdict(.with { $0.result = result })
                    standing[result] = nil
                default: _ = try await fixture.recategorise(clients)
                }
            }
            for result in results {
                let replay = try await clients.verdicts.replayFailure(.with { $0.result = result })
                #expect(replay.agrees, "\(replay)")
            }
            // The same words said in another project, without all that came and went, teach the same.
            let lessons = try await fixture.lessons(clients)
            let messages = try await standing.sorted { $0.value.place < $1.value.place }.asyncMap { result, word in
                (text: try await clients.failures.getFailure(.with { $0.result = result }).message, category: word.category)
            }
            let asked = (0..<8).map { _ in Self.message(&chance) }
            let mine = try await judge(asked, fixture, clients)
            let other = JudgingFixture()
            let (taught, theirs) = try await other.serve { others in
                for message in messages {
                    try await other.say(message.category, of: other.file([message.text])[0], others)
                }
                return (try await other.lessons(others), try await judge(asked, other, others))
            }
            #expect(Self.words(taught) == Self.words(lessons) && theirs == mine)
        }
    }

    /// What they become: category, severity, rule and why.
    private func judge(_ messages: [String], _ fixture: JudgingFixture, _ clients: JudgingFixture.Clients) async throws -> [[String]] {
        try await fixture.file(messages).asyncMap { result in
            let failure = try await clients.failures.getFailure(.with { $0.result = result })
            return ["\(failure.category)", "\(failure.severity)", failure.rule, failure.evidence]
        }
    }

    private static func words(_ lessons: [PBLesson]) -> [String] { lessons.map { "\($0.category) \($0.text)" }.sorted() }

    private static func message(_ chance: inout Chance) -> String {
        let (place, noun) = (["warehouse", "depot"].randomElement(using: &chance)!, ["order", "invoice", "parcel"].randomElement(using: &chance)!)
        return "the stock feed of the \(place) stopped before the \(noun) was written"
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
}
