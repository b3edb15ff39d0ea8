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

@Suite("editions of the rules that everybody has", .database(ValidationProgram.schema, JobSchema.schema))
struct EditionTests {
    let fixture = JudgingFixture()

    private func digest(_ words: [String]) -> String {
        Symptoms(message: words.joined(separator: "\n")).hash.prefix(8).map { String($0, radix: 16) }.joined()
    }

    @Test("a released edition does not change: whoever changes a rule adds an edition that says what")
    func frozen() throws {
        let second = try #require(BuiltInRules.rules(of: 2)).rules.map { "\($0.id) \($0.category) \($0.severity) \($0.signs)" }
        #expect(digest(second) == "ac237bcb549dd8", "\(digest(second))")
        let third = try #require(BuiltInRules.rules(of: 3)).rules.map {
            "\($0.id) \($0.category) \($0.severity) \($0.signs) \($0.isLastResort)"
        }
        #expect(digest(third) == "3321e13aaaa14e7b", "\(digest(third))")
        let fourth = try #require(BuiltInRules.rules(of: 4)).rules.map {
            "\($0.id) \($0.category) \($0.severity) \($0.signs) \($0.isLastResort)"
        }
        #expect(digest(fourth) == "952be1c702c33f2", "\(digest(fourth))")
        let fifth = try #require(BuiltInRules.rules(of: 5)).rules.map {
            "\($0.id) \($0.category) \($0.severity) \($0.signs) \($0.isLastResort)"
        }
        #expect(digest(fifth) == "cc8a89b4aa7fcb", "\(digest(fifth))")
        #expect(BuiltInRules.edition == 5 && BuiltInRules.all.rules.count == fifth.count)
        #expect(BuiltInRules.editions.map(\.number) == [2, 3, 4, 5] && BuiltInRules.rules(of: 1) == nil && BuiltInRules.rules(of: 6) == nil)
    }

    @Test(
        "nor does what it decides, whatever becomes of the code that asks its rules",
        arguments: [(Int32(2), "dada759811ab4d"), (3, "79168109d62dd62"), (4, "79168109d62dd62"), (5, "79168109d62dd62")])
    func decisions(edition: Int32, expected: String) throws {
        let rules = try #require(BuiltInRules.rules(of: edition))
        var chance = Chance(2026)
        // As judgements described themselves when they had no neighbours, which no rule gives them.
        let decided = (0..<3000).map { _ in
            let judgement = rules.judge(AnySymptoms.next(&chance).bounded)
            let parts: [Any] = [judgement.category, judgement.severity, judgement.rule, judgement.evidence]
            let words = zip(["category", "severity", "rule", "evidence"], parts).map { "\($0): \(String(reflecting: $1))" }
            return "Judgement(\(words.joined(separator: ", ")))"
        }
        #expect(digest(decided) == expected, "\(digest(decided))")
    }

    @Test(
        "how a command or its report ended is known by the type, whatever the texts name",
        arguments: [
            ("exit.137", Category.outOfMemory), ("exit.139", .crash), ("exit.134", .crash), ("exit.132", .crash), ("exit.136", .crash),
            ("exit.124", .timeout), ("exit.143", .environment), ("exit.130", .environment), ("exit.126", .setup), ("exit.127", .setup),
            ("report.truncated", .truncatedReport), ("exit.1", .unknown),
        ])
    func ends(type: String, category: Category) {
        for message in ["", "The report was truncated: it ended after 2 tests, within testcase 'java.lang.OutOfMemoryError'."] {
            let symptoms = Symptoms(message: type == "report.truncated" ? message : "", type: type, outcome: .errored)
            #expect(BuiltInRules.all.judge(symptoms).category == category)
        }
    }

    @Test("edition 5 knows a type that is nested in another by its own name, edition 4 does not")
    func nestedTypes() throws {
        for (type, category) in [
            ("HttpClientErrorException$Forbidden", Category.authorization), ("a.B$C$InternalServerError", .serverError),
            ("Outer$ConnectException", .network),
        ] {
            let symptoms = Symptoms(type: type, outcome: .errored)
            #expect(try #require(BuiltInRules.rules(of: 5)).judge(symptoms).category == category)
            #expect(try #require(BuiltInRules.rules(of: 4)).judge(symptoms).category == .unknown)
        }
    }

    @Test("an edition adds, moves, widens, narrows and postpones rules of the one before it, and leaves all else")
    func changes() {
        let first = ["a", "b", "c"].map { Rule($0, .data, .low, "", .text(["\($0) one", "\($0) two"]), .type([$0])) }
        func after(_ changes: RuleChange...) -> [Rule] { changes.reduce(first) { $1.applied(to: $0) } }
        #expect(after(.add(Rule("d", .dns, .low, "", .always), before: "b")).map(\.id) == ["a", "d", "b", "c"])
        #expect(after(.move("c", before: "a")).map(\.id) == ["c", "a", "b"] && after(.move("a", before: "c")).map(\.id) == ["b", "a", "c"])
        let wider = after(.extend("b", [.word(["WHOLE"])]), .forget("b", ["B one", "B"]))
        #expect("\(wider[1].signs)" == "\(Rule("", .data, .low, "", .text(["b two"]), .type([]), .word(["whole"])).signs)")
        #expect("\(wider[0].signs) \(wider[2].signs)" == "\(first[0].signs) \(first[2].signs)")
        #expect(after(.postpone("c")).map(\.isLastResort) == [false, false, true])
        #expect(RuleChange.begin(first).applied(to: []).map(\.id) == ["a", "b", "c"])
    }

    @Test("what edition 2 judged is replayed by edition 2; judging again brings it to the newest edition, and a person's verdict stays")
    func history() async throws {
        try await fixture.serve { clients in
            let messages = [
                "null value in column \"a\" of relation \"t\" violates not-null constraint", "expected 'ok' to equal 'Access denied'", "timed out",
            ]
            let results = try await fixture.file(messages.map { Symptoms(message: $0) }, by: #require(Rulebook.everybody(in: 2)))
            _ = try await clients.verdicts.putVerdict(
                .with {
                    $0.result = results[1]; $0.category = .setup
                })
            func replays() async throws -> [PBReplay] {
                try await results.asyncMap { result in try await clients.verdicts.replayFailure(.with { $0.result = result }) }
            }
            var replayed = try await replays()
            #expect(replayed.allSatisfy { $0.agrees && $0.receipt.builtInEdition == 2 })
            #expect(replayed.map(\.category) == [.environment, .authorization, .timeout])

            let started = try await clients.recategorisations.recategoriseFailures(.with { $0.project = fixture.project.description })
            #expect(started.builtInEdition == BuiltInRules.edition)
            var worker = fixture.recategorise
            worker.pages = 10
            try await worker.handle(.init(id: ID(started.id), after: nil), Job(tenant: fixture.tenant, kind: RecategoriseFailures.Payload.kind))
            replayed = try await replays()
            #expect(replayed.allSatisfy(\.agrees) && replayed.map(\.category) == [.data, .assertion, .timeout])
            // What comes out the same keeps its receipt.
            #expect(replayed.map(\.receipt.builtInEdition) == [BuiltInRules.edition, BuiltInRules.edition, 2])
            let failures = try await results.asyncMap { result in try await clients.failures.getFailure(.with { $0.result = result }) }
            #expect(failures.map(\.category) == [.data, .setup, .timeout] && failures.map(\.overruled) == [false, true, false])
            #expect(failures[1].judgedCategory == .assertion)
        }
    }
}
