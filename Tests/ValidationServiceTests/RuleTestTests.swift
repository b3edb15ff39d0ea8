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

@Suite("trying a rule before it is saved", .database(ValidationProgram.schema, JobSchema.schema))
struct RuleTestTests {
    let fixture = JudgingFixture()

    private func test(_ draft: PBRuleDraft, replacing rule: PBProjectRule? = nil, _ clients: JudgingFixture.Clients) async throws -> PBRuleTest {
        try await clients.rules.testProjectRule(
            .with {
                $0.project = fixture.project.description
                $0.draft = draft
                $0.rule = rule?.id ?? ""
            })
    }

    @Test("a draft is tried on the last failures: what it finds, what would change, who would decide; nothing is changed")
    func tester() async throws {
        try await fixture.serve { clients in
            let project = fixture.project.description
            _ = try await fixture.make(fixture.draft("first", .data, order: 1), clients)
            let results = try await fixture.file(["first sandbox", "sandbox down", "sandbox gone", "connection refused"])
            _ = try await clients.verdicts.putVerdict(
                .with {
                    $0.result = results[2]; $0.category = .setup
                })
            let test = try await clients.rules.testProjectRule(
                .with {
                    $0.project = project; $0.draft = fixture.draft("sandbox", .environment)
                })
            #expect(test.examined == 4 && test.matched == 3 && test.changed == 1 && test.complete && test.overBudget == 0)
            #expect(test.matches.map(\.result) == [results[2], results[1], results[0]])
            #expect(test.matches.map(\.decides) == [false, true, false])
            #expect(test.matches.map(\.categoryNow) == [.setup, .assertion, .data])
            #expect(test.matches.map(\.categoryThen) == [.setup, .environment, .data])
            let listed = try await clients.rules.listProjectRules(.with { $0.project = project })
            #expect(listed.data.count == 1 && listed.edition == 1)

            let rule = listed.data[0]
            let narrower = try await clients.rules.testProjectRule(
                .with {
                    $0.project = project; $0.draft = fixture.draft("nothing"); $0.rule = rule.id
                })
            #expect(narrower.matched == 0 && narrower.changed == 1)
            #expect(narrower.matches.map(\.categoryThen) == [.assertion] && narrower.matches.map(\.evidence) == [""])
            let evil = try await clients.rules.testProjectRule(
                .with {
                    $0.project = project; $0.draft = fixture.draft("(?s)(.|.)*.*.*.*foo")
                })
            #expect(evil.matched == 0 && evil.overBudget > 0)
        }
    }

    @Test("a draft that switches its rule off, or lets another one go before it, shows what its failures become")
    func giving() async throws {
        try await fixture.serve { clients in
            let rule = try await fixture.make(fixture.draft("sandbox", .environment, order: 10), clients)
            _ = try await fixture.make(fixture.draft("down", .resource, order: 50), clients)
            let results = try await fixture.file(["sandbox: connection refused", "sandbox down", "down", "sandbox slow"])
            _ = try await clients.verdicts.putVerdict(
                .with {
                    $0.result = results[3]; $0.category = .setup
                })

            let off = try await test(fixture.draft("sandbox", .environment, order: 10).with { $0.enabled = false }, replacing: rule, clients)
            #expect(off.matched == 3 && off.changed == 2)
            #expect(off.matches.map(\.result) == [results[3], results[1], results[0]])
            #expect(off.matches.map(\.categoryThen) == [.setup, .resource, .network] && off.matches.allSatisfy { !$0.decides })

            let behind = try await test(fixture.draft("sandbox", .environment, order: 90), replacing: rule, clients)
            #expect(behind.matched == 3 && behind.changed == 1)
            #expect(behind.matches.map(\.categoryThen) == [.setup, .resource, .environment])
            #expect(behind.matches.map(\.decides) == [false, false, true])

            // It stays in front, and finds other failures: what it lets go is judged by the next.
            let moved = try await test(fixture.draft("^down", .data, order: 10), replacing: rule, clients)
            #expect(moved.matched == 1 && moved.changed == 3)
            #expect(moved.matches.map(\.categoryNow) == [.resource, .environment, .environment])
            #expect(moved.matches.map(\.categoryThen) == [.data, .resource, .network])

            let same = try await test(fixture.draft("sandbox", .environment, order: 10), replacing: rule, clients)
            #expect(same.matched == 3 && same.changed == 0)
        }
    }

    @Test("a draft is not blamed for what other rules have changed since")
    func others() async throws {
        try await fixture.serve { clients in
            let result = try await fixture.file(["sandbox down"])[0]
            _ = try await fixture.make(fixture.draft("down", .resource, order: 1), clients)
            let tried = try await test(fixture.draft("sandbox", .environment), clients)
            #expect(tried.matches.map(\.result) == [result] && tried.matches.map(\.categoryThen) == [.assertion] && tried.changed == 0)
        }
    }

    @Test("the last 1,000 failures are looked at, and none before them")
    func bounded() async throws {
        try await fixture.serve { clients in
            let results = try await fixture.file((0...RuleTest.failures).map { "sandbox \($0)" })
            let tried = try await test(fixture.draft("sandbox", .environment), clients)
            #expect(tried.examined == 1000 && tried.matched == 1000 && tried.changed == 1000 && tried.complete)
            #expect(tried.matches.first?.result == results.last && tried.matches.last?.result == results[1])
        }
    }
}

extension PBRuleDraft {
    fileprivate func with(_ change: (inout Self) -> Void) -> Self {
        var draft = self
        change(&draft)
        return draft
    }
}
