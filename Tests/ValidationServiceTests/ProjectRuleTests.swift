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

@Suite("a project's rules", .database(ValidationProgram.schema, JobSchema.schema))
struct ProjectRuleTests {
    let fixture = JudgingFixture()

    @Test("a project's rules are asked first and in their order; what none of them knows is judged by those that everybody has")
    func order() async throws {
        try await fixture.serve { clients in
            let late = try await fixture.make(fixture.draft("sandbox", .environment, order: 200), clients)
            let early = try await fixture.make(fixture.draft("(?i)sandbox.*refused", .network, order: 5), clients)
            let listed = try await clients.rules.listProjectRules(.with { $0.project = fixture.project.description })
            #expect(listed.data.map(\.id) == [early.id, late.id] && listed.edition == 2)
            let results = try await fixture.file(["Sandbox: connection refused", "sandbox is slow", "connection refused"])
            let filed = try await results.asyncMap { result in try await clients.failures.getFailure(.with { $0.result = result }) }
            #expect(filed.map(\.category) == [.network, .environment, .network])
            #expect(filed.map(\.rule) == [early.id, late.id, "network.connection-refused"])
            #expect(filed[0].evidence == "Sandbox: connection refused" && filed[0].severity == .medium)
        }
    }

    @Test("every change is an edition that says who and what; the rules of each can be read again")
    func editions() async throws {
        try await fixture.serve { clients in
            let project = fixture.project.description
            let rule = try await fixture.make(fixture.draft("one"), clients)
            #expect(rule.version == 1 && rule.enabled && rule.order == 100 && rule.places == [.message, .type, .trace, .systemErr])
            let other = try await fixture.make(fixture.draft("two"), clients)
            let changed = try await Caller.with(fixture.person("usr_bob")) {
                try await clients.rules.putProjectRule(
                    .with {
                        $0.project = project; $0.rule = rule.id; $0.draft = fixture.draft("three"); $0.version = 1
                    })
            }
            #expect(changed.version == 3 && changed.id == rule.id)
            let stale = try await InProcess.fault {
                try await clients.rules.putProjectRule(
                    .with {
                        $0.project = project; $0.rule = rule.id; $0.draft = fixture.draft("four"); $0.version = 1
                    })
            }
            #expect(stale.code == "precondition_failed")
            _ = try await clients.rules.deleteProjectRule(
                .with {
                    $0.project = project; $0.rule = other.id
                })
            let gone = try await InProcess.fault {
                try await clients.rules.getProjectRule(
                    .with {
                        $0.project = project; $0.rule = other.id
                    })
            }
            #expect(gone.code == "rule.not_found")

            let page = try await clients.rules.listRuleEditions(
                .with {
                    $0.project = project; $0.limit = 3
                })
            #expect(page.data.map(\.change) == [.deleted, .updated, .created] && page.data.map(\.edition) == [4, 3, 2])
            #expect(page.data.map(\.changedBy) == ["usr_ann", "usr_bob", "usr_ann"] && page.page.hasMore_p)
            let rest = try await clients.rules.listRuleEditions(
                .with {
                    $0.project = project; $0.limit = 3; $0.cursor = page.page.nextCursor
                })
            #expect(rest.data.map(\.edition) == [1] && !rest.page.hasMore_p)
            for (edition, patterns) in [("1", ["one"]), ("2", ["one", "two"]), ("3", ["three", "two"]), ("4", ["three"]), ("0", [])] {
                let found = try await clients.rules.getRuleEdition(
                    .with {
                        $0.project = project; $0.edition = edition
                    })
                #expect(found.data.map(\.pattern) == patterns, "edition \(edition)")
            }
            let future = try await InProcess.fault {
                try await clients.rules.getRuleEdition(
                    .with {
                        $0.project = project; $0.edition = "5"
                    })
            }
            #expect(future.code == "rule_edition.not_found")
        }
    }

    @Test("what is no rule is refused by its place")
    func refused() async throws {
        try await fixture.serve { clients in
            let good = fixture.draft("x")
            let bad: [(String, String, (inout PBRuleDraft) -> Void)] = [
                ("/draft/name", "invalid", { $0.name = " " }), ("/draft/category", "invalid", { $0.category = .categoryUnspecified }),
                ("/draft/order", "out_of_range", { $0.order = 1001 }), ("/draft/places/1", "duplicate", { $0.places = [.type, .type] }),
                ("/draft/places/0", "invalid", { $0.places = [.UNRECOGNIZED(9)] }), ("/draft/pattern", "required", { $0.pattern = "" }),
                ("/draft/pattern", "invalid_pattern", { $0.pattern = "a(b" }),
                ("/draft/pattern", "too_long", { $0.pattern = String(repeating: "ü", count: 513) }),
                ("/draft/pattern", "too_large", { $0.pattern = "(?:(?:abcd|efgh){50}){30}" }),
                ("/draft/severity", "invalid", { $0.severity = .UNRECOGNIZED(9) }),
            ]
            for (pointer, code, change) in bad {
                var draft = good
                change(&draft)
                let fault = try await InProcess.fault { [draft] in try await fixture.make(draft, clients) }
                #expect(fault.fields.map(\.pointer) == [pointer] && fault.fields.map(\.code) == [code], "\(fault)")
            }
            _ = try await fixture.make(good, clients)
            let taken = try await InProcess.fault { try await fixture.make(good, clients) }
            #expect(taken.code == "rules.name_taken")
        }
    }

    @Test("the same idempotency key makes one rule; a project has a hundred at most")
    func bounded() async throws {
        let draft = ProjectRule.Draft(
            name: "n", category: .data, severity: .low, order: 1, places: [.message], pattern: try Pattern("x"), isEnabled: true)
        let rules = fixture.rules
        let first = try await rules.insert(draft, of: fixture.project, by: "usr_ann", key: "k", tenant: fixture.tenant)
        let again = try await rules.insert(draft, of: fixture.project, by: "usr_ann", key: "k", tenant: fixture.tenant)
        #expect(first.id == again.id)
        #expect(try await rules.edition(of: fixture.project, tenant: fixture.tenant) == 1)
        try await fixture.database.execute(
            .tenant(fixture.tenant),
            """
            insert into project_rules (tenant_id, project_id, rule_id, since_edition, name, category, severity, position, places, pattern, enabled)
            select \(fixture.tenant), \(fixture.project), gen_random_uuid(), 1, 'n' || i, 'data', 'low', 1, '{message}', 'x', true
            from generate_series(1, \(ProjectRule.maxRules - 1)) i
            """)
        let full = try await InProcess.fault {
            let other = ProjectRule.Draft(
                name: "m", category: .data, severity: .low, order: 1, places: [.message], pattern: try Pattern("x"), isEnabled: true)
            return try await rules.insert(other, of: fixture.project, by: "usr_ann", key: nil, tenant: fixture.tenant)
        }
        #expect(full.code == "rules.full")
    }

    @Test("a pattern that runs out of its budget loses no failure: the next rule judges it, the rule shows it, and is switched off in the end")
    func overBudget() async throws {
        try await fixture.serve { clients in
            let project = fixture.project.description
            let evil = try await fixture.make(fixture.draft("(?s).*.*.*foo", order: 1), clients)
            let long = String(repeating: "connection refused ", count: 400)
            let results = try await fixture.file(Array(repeating: long, count: 3))
            for result in results {
                let failure = try await clients.failures.getFailure(.with { $0.result = result })
                #expect(failure.rule == "network.connection-refused")
            }
            let shown = try await clients.rules.getProjectRule(
                .with {
                    $0.project = project; $0.rule = evil.id
                })
            #expect(shown.overruns == 3 && shown.hasLastOverrunAt && shown.enabled)
            _ = try await fixture.file(Array(repeating: long, count: Int(ProjectRule.mostOverruns)))
            let off = try await clients.rules.getProjectRule(
                .with {
                    $0.project = project; $0.rule = evil.id
                })
            #expect(!off.enabled && off.overruns == 3 + ProjectRule.mostOverruns && off.version == 2)
            let editions = try await clients.rules.listRuleEditions(.with { $0.project = project })
            #expect(editions.data.first?.change == .switchedOff && editions.data.first?.changedBy == "")
            let last = try await fixture.file([long])
            let receipt = try await clients.verdicts.getReceipt(.with { $0.result = last[0] })
            #expect(receipt.projectEdition == 2)
        }
    }

    @Test("all rules of a project have two seconds of a delivery; what comes after is judged by those that everybody has")
    func deliveryTime() throws {
        let rules = try (0..<60).map { number in
            ProjectRule(
                id: .new(),
                draft: .init(
                    name: "\(number)", category: .data, severity: .low, order: 1, places: [.message], pattern: try Pattern("(?s).*.*.*foo"),
                    isEnabled: true), edition: 1)
        }
        var judge = DeliveryJudge(Rulebook(edition: .init(builtIn: BuiltInRules.edition, project: 7), own: rules, builtIn: BuiltInRules.all))
        let symptoms = Symptoms(message: String(repeating: "timed out ", count: 800))
        var editions: [Int64] = []
        while editions.last != 0, editions.count < 2000 {
            let (judgement, edition) = judge.judge(symptoms)
            #expect(judgement.rule == "timeout.exceeded")
            editions.append(edition.project)
        }
        #expect(editions.last == 0 && editions.dropLast().allSatisfy { $0 == 7 })
        #expect(judge.overruns.count == rules.count)
    }
}

extension Sequence where Element: Sendable {
    func asyncMap<R>(_ transform: (Element) async throws -> R) async rethrows -> [R] {
        var mapped: [R] = []
        for element in self { mapped.append(try await transform(element)) }
        return mapped
    }
}
