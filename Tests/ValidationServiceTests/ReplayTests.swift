import CommonAPI
import Foundation
import GRPCCore
import Jobs
import Patterns
import Postgres
import Primitives
import ServiceKit
import SwiftProtobuf
import TestSupport
import Testing
import ValidationAPI

@testable import ValidationService

@Suite("receipts of anything", .database(ValidationProgram.schema, JobSchema.schema))
struct ReplayTests {
    let fixture = JudgingFixture()

    @Test("whatever was judged replays to the same, whatever rules come, change, go and judge again since", arguments: 1...6 as ClosedRange<UInt64>)
    func property(seed: UInt64) async throws {
        try await fixture.serve { clients in
            var chance = Chance(seed)
            var filed: [String: Symptoms] = [:]
            var rules: [ID<ProjectRule>] = []
            for step in 0..<24 {
                switch step < 2 ? 0 : Int.random(in: 0..<10, using: &chance) {
                case 0...2:
                    let symptoms = (0..<Int.random(in: 1...15, using: &chance)).map { _ in AnySymptoms.next(&chance) }
                    let edition = BuiltInRules.editions.randomElement(using: &chance)!.number
                    let results = try await fixture.file(symptoms, by: book(edition))
                    filed.merge(zip(results, symptoms.map(\.bounded))) { $1 }
                case 3...5:
                    let draft = try Self.draft("rule \(step)", &chance)
                    rules.append(try await fixture.rules.insert(draft, of: fixture.project, by: "usr_ann", key: nil, tenant: fixture.tenant).id)
                case 6 where !rules.isEmpty:
                    let draft = try Self.draft("rule \(step)", &chance)
                    _ = try await fixture.rules.update(
                        rules.randomElement(using: &chance)!, to: draft, version: 0, of: fixture.project, by: "usr_ann", tenant: fixture.tenant)
                case 7 where !rules.isEmpty:
                    let rule = rules.remove(at: Int.random(in: rules.indices, using: &chance))
                    try await fixture.rules.delete(rule, version: 0, of: fixture.project, by: "usr_ann", tenant: fixture.tenant)
                case 8:
                    try await recategorise(clients)
                default:
                    let result = filed.keys.sorted().randomElement(using: &chance)!
                    _ = try await clients.verdicts.putVerdict(
                        .with {
                            $0.result = result; $0.category = .setup
                        })
                }
            }
            try await check(filed, clients)
            try await recategorise(clients)
            try await check(filed, clients, by: book(BuiltInRules.edition))
        }
    }

    /// - Parameter book: what all of them are judged by now.
    private func check(_ filed: [String: Symptoms], _ clients: JudgingFixture.Clients, by book: Rulebook? = nil) async throws {
        for (result, symptoms) in filed {
            let replay = try await clients.verdicts.replayFailure(.with { $0.result = result })
            #expect(replay.agrees, "\(symptoms): \(replay)")
            let failure = try await clients.failures.getFailure(.with { $0.result = result })
            #expect(replay.category == (failure.overruled ? failure.judgedCategory : failure.category))
            #expect(replay.receipt.inputSha256 == symptoms.hash.map { String(UInt16($0) + 256, radix: 16).dropFirst() }.joined())
            if let book {
                var again = book.judge(symptoms).judgement
                if book.isUndecided(again) {
                    var signer = FailureSigner()
                    let signature = symptoms.signature(by: &signer, className: "", test: "a test")
                    let step = try await fixture.rules.lessons.step(for: book, of: fixture.project, tenant: fixture.tenant)
                    again = try step?.judge(signature, of: ID(result)) ?? again
                }
                #expect(again.category.message == replay.category && again.rule == replay.rule && again.evidence == replay.evidence)
            }
        }
    }

    private func book(_ edition: Int32) async throws -> Rulebook {
        let everybody = try #require(Rulebook.everybody(in: edition))
        let current = try await fixture.rules.edition(of: fixture.project, tenant: fixture.tenant)
        var book = try await fixture.rules.book(of: fixture.project, edition: current, builtIn: everybody, tenant: fixture.tenant)
        book.lessons = try await fixture.rules.learning(of: fixture.project, tenant: fixture.tenant).lessons
        return book
    }

    private func recategorise(_ clients: JudgingFixture.Clients) async throws {
        let started = try await clients.recategorisations.recategoriseFailures(.with { $0.project = fixture.project.description })
        var worker = fixture.recategorise
        worker.pages = 1000
        try await worker.handle(.init(id: ID(started.id), after: nil), Job(tenant: fixture.tenant, kind: RecategoriseFailures.Payload.kind))
    }

    private static let patterns = [
        "sandbox", "(?i)REFUSED", "^expected", "(?m)^Caused by", "[0-9]{3}", "é+", "(a|b)+c", "(?s).*.*.*foo", "\\x{2026}", "OOM|137", "x$",
    ]

    private static func draft(_ name: String, _ chance: inout Chance) throws -> ProjectRule.Draft {
        let places = ProjectRule.Place.allCases.filter { _ in Bool.random(using: &chance) }
        return ProjectRule.Draft(
            name: name, category: Category.allCases.randomElement(using: &chance)!, severity: Severity.allCases.randomElement(using: &chance)!,
            order: Int.random(in: 1...5, using: &chance), places: places.isEmpty ? [.message] : places,
            pattern: try Pattern(patterns.randomElement(using: &chance)!), isEnabled: Int.random(in: 0..<5, using: &chance) > 0)
    }
}
