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

    @Test("an edition is read as it was, whatever has ended before it and since")
    func editions() async throws {
        try await fixture.serve { clients in
            let results = try await fixture.file((0..<6).map { "the \(["red", "green", "blue", "grey", "pink", "cyan"][$0]) feed stopped" })
            var chance = Chance(7)
            for _ in 0..<30 {
                let result = results.randomElement(using: &chance)!
                if Int.random(in: 0..<3, using: &chance) == 0 {
                    _ = try await clients.verdicts.deleteVerdict(.with { $0.result = result })
                } else {
                    try await fixture.say([.network, .data, .resource].randomElement(using: &chance)!, of: result, clients)
                }
            }
            let last = try await clients.lessons.getLearning(.with { $0.project = fixture.project.description }).lessonsEdition
            #expect(last > 8)
            let rows = try await fixture.database.rows(
                .tenant(fixture.tenant),
                "select since_edition, coalesce(until_edition, 1000) as until_edition, category from lessons where tenant_id = \(fixture.tenant)"
            ) {
                (
                    since: try $0.value("since_edition", as: Int64.self), until: try $0.value("until_edition", as: Int64.self),
                    category: try $0.value("category", as: String.self)
                )
            }
            for edition in 0...last {
                let known = rows.filter { $0.since <= edition && edition < $0.until }.sorted { $0.since > $1.since }
                let read = try await fixture.rules.lessons.rows(of: fixture.project, edition: edition, tenant: fixture.tenant)
                #expect(read.map(\.edition) == known.map(\.since) && read.map(\.category.rawValue) == known.map(\.category))
            }
        }
    }

    @Test("saying what is known makes no edition, unless the failure that it was said of has lost its word")
    func same() async throws {
        try await fixture.serve { clients in
            let results = try await fixture.file((0..<3).map { "warehouse \($0) gave no stock figures" })
            try await fixture.say(.network, .high, of: results[0], clients)
            let before = try await fixture.lessons(clients)
            try await fixture.say(.network, .high, of: results[0], by: "usr_bob", clients)
            try await fixture.say(.network, .high, of: results[1], clients)
            #expect(try await fixture.lessons(clients) == before && before.map(\.edition) == [1])
            let learned = try await fixture.filed("warehouse 17 gave no stock figures", clients)
            #expect(learned.rule == "learned" && learned.severity == .high)

            // Another says the same, so it still holds, by that word.
            _ = try await clients.verdicts.deleteVerdict(.with { $0.result = results[0] })
            var listed = try await fixture.lessons(clients)
            #expect(listed.map(\.result) == [results[1]] && listed.map(\.edition) == [2] && listed[0].severity == .high)
            // Severity is part of it.
            try await fixture.say(.network, of: results[2], clients)
            listed = try await fixture.lessons(clients)
            #expect(listed.map(\.result) == [results[2]] && listed.map(\.edition) == [3] && listed[0].severity == .severityUnspecified)
            for result in results + [learned.result] {
                #expect(try await clients.verdicts.replayFailure(.with { $0.result = result }).agrees)
            }
            // What so many newer ones have put out of mind is learnt again when it is said again.
            try await fixture.database.execute(
                .tenant(fixture.tenant),
                """
                insert into lessons (tenant_id, project_id, since_edition, signature_id, origin, text, category, result_id, verdict_version, decided_by, decided_at)
                select tenant_id, project_id, since_edition + n, gen_random_uuid(), origin, text || n, category, result_id, verdict_version, decided_by, decided_at
                from lessons l, generate_series(1, \(Lessons.most)) n
                where tenant_id = \(fixture.tenant) and until_edition is null
                """)
            try await fixture.database.execute(
                .tenant(fixture.tenant), "update rulebooks set lessons_edition = \(3 + Lessons.most) where tenant_id = \(fixture.tenant)")
            try await fixture.say(.network, of: results[2], clients)
            #expect(try await fixture.lessons(clients).first?.edition == Int64(4 + Lessons.most))
        }
    }

    @Test("a page that tells the severity back does not make the machine's a person's")
    func severity() async throws {
        try await fixture.serve { clients in
            let result = try await fixture.file(["warehouse 17 gave no stock figures"])[0]
            try await fixture.say(.network, of: result, clients)
            let said = try await clients.verdicts.getVerdict(.with { $0.result = result })
            try await fixture.say(said.category, said.severity, of: result, clients)
            #expect(try await fixture.lessons(clients).map(\.severity) == [.severityUnspecified])
        }
    }
}
