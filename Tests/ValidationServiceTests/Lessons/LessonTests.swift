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

@Suite("what people say is learnt", .database(ValidationProgram.schema, JobSchema.schema))
struct LessonTests {
    let fixture = JudgingFixture()
    private static let messages = ["warehouse 17 gave no stock figures", "warehouse 18 gave no stock figures", "printer ran out of paper"]

    @Test("what no rule knows is judged after what people filed, with a receipt that replays whatever is said later; taking it back unteaches")
    func journey() async throws {
        try await fixture.serve { clients in
            let first = try await fixture.filed("warehouse 17 gave no stock figures", clients)
            #expect(first.rule == "assertion.failed")
            try await fixture.say(.network, .critical, of: first.result, clients)
            let second = try await fixture.filed("warehouse 18 gave no stock figures", clients)
            #expect(second.category == .network && second.severity == .critical && second.rule == "learned" && !second.overruled)
            #expect(second.evidence == "the same as one that people filed as network")
            // Rules come first.
            #expect(try await fixture.filed("warehouse 19 gave no stock figures: timed out", clients).rule == "timeout.exceeded")
            #expect(try await fixture.filed("nothing like it at all", clients).rule == "assertion.failed")

            let receipt = try await clients.verdicts.getReceipt(.with { $0.result = second.result })
            #expect(receipt.lessonsEdition == 1 && receipt.learnedEdition == LearnedStep.edition && receipt.inputSha256.count == 64)
            #expect(receipt.neighbours.count == 1 && receipt.neighbours[0].result == first.result && receipt.neighbours[0].similarity == 1)
            #expect(receipt.neighbours[0].verdictVersion == 2 && receipt.neighbours[0].category == .network)
            #expect(receipt.neighbours[0].severity == .critical)

            try await fixture.say(.data, of: first.result, by: "usr_bob", clients)
            #expect(try await fixture.filed("warehouse 20 gave no stock figures", clients).category == .data)
            _ = try await clients.verdicts.deleteVerdict(.with { $0.result = first.result })
            #expect(try await fixture.filed("warehouse 21 gave no stock figures", clients).rule == "assertion.failed")
            #expect(try await fixture.lessons(clients).isEmpty)
            for result in [second.result, first.result] {
                let replay = try await clients.verdicts.replayFailure(.with { $0.result = result })
                #expect(replay.agrees, "\(replay)")
            }
            let replay = try await clients.verdicts.replayFailure(.with { $0.result = second.result })
            #expect(replay.rule == "learned" && replay.neighbours == receipt.neighbours)

            // What it was judged after is part of what has to agree, and another way of comparing cannot be replayed.
            let result = try ID<ValidationService.Result>(second.result)
            try await fixture.database.execute(
                .tenant(fixture.tenant), "update failures set neighbours = '[]' where tenant_id = \(fixture.tenant) and result_id = \(result)")
            #expect(try await clients.verdicts.replayFailure(.with { $0.result = second.result }).agrees == false)
            try await fixture.database.execute(
                .tenant(fixture.tenant), "update failures set learned_edition = 99 where tenant_id = \(fixture.tenant) and result_id = \(result)")
            let lost = try await InProcess.fault { try await clients.verdicts.replayFailure(.with { $0.result = second.result }) }
            #expect(lost.code == "failures.not_replayable")
        }
    }

    @Test("a lesson is the latest word that stands on any failure of its signature; lists show the newest first")
    func words() async throws {
        try await fixture.serve { clients in
            let results = try await fixture.file(Self.messages)
            try await fixture.say(.network, .low, of: results[0], clients)
            try await fixture.say(.data, of: results[1], by: "usr_bob", clients)
            try await fixture.say(.resource, of: results[2], clients)
            var listed = try await fixture.lessons(clients)
            #expect(listed.map(\.category) == [.resource, .data] && listed.map(\.edition) == [3, 2])
            #expect(listed[1].decidedBy == "usr_bob" && listed[1].result == results[1] && listed[1].text == "warehouse <*> gave no stock figures")
            // The severity that nobody named is not the machine's word come back.
            #expect(listed[1].severity == .severityUnspecified && listed[1].verdictVersion == 2 && listed[1].hasDecidedAt)
            _ = try await clients.verdicts.deleteVerdict(.with { $0.result = results[1] })
            listed = try await fixture.lessons(clients)
            #expect(listed.map(\.category) == [.network, .resource] && listed[0].severity == .low && listed[0].edition == 4)
            let page = try await clients.lessons.listLessons(
                .with {
                    $0.project = fixture.project.description; $0.limit = 1
                })
            let rest = try await clients.lessons.listLessons(
                .with {
                    $0.project = fixture.project.description; $0.limit = 1; $0.cursor = page.page.nextCursor
                })
            #expect(page.data + rest.data == listed && page.page.hasMore_p && !rest.page.hasMore_p)
            #expect(try await clients.lessons.getLearning(.with { $0.project = fixture.project.description }).lessonsEdition == 4)
        }
    }

    @Test("the machine's own answers teach nothing, nor does what was said of failures of untrusted runs, nor is anything learnt elsewhere")
    func echo() async throws {
        try await fixture.serve { clients in
            let first = try await fixture.filed("the stock feed of the warehouse stopped before the order was written", clients)
            try await fixture.say(.network, of: first.result, clients)
            let before = try await fixture.lessons(clients)
            // A chain of answers, each a little farther from what a person said: none is a neighbour of the next.
            for word in ["invoice", "parcel", "receipt"] {
                let found = try await fixture.filed("the stock feed of the warehouse stopped before the \(word) was written", clients)
                let receipt = try await clients.verdicts.getReceipt(.with { $0.result = found.result })
                #expect(found.rule == "learned" && receipt.neighbours.map(\.result) == [first.result])
            }
            _ = try await fixture.recategorise(clients)
            #expect(try await fixture.lessons(clients) == before)

            let untrusted = GroupFixture(tenant: fixture.tenant, project: fixture.project)
            let batch = untrusted.batch(["printer ran out of paper"], at: 0, lane: .untrusted)
            try await untrusted.deliver(batch)
            try await fixture.say(.resource, of: batch.failures[0].result.result.description, clients)
            #expect(try await fixture.lessons(clients) == before)
            let other = JudgingFixture()
            try await other.serve { others in
                let result = try await other.file(["the stock feed of the warehouse stopped before the order was written"])[0]
                #expect(try await others.failures.getFailure(.with { $0.result = result }).rule == "assertion.failed")
            }
        }
    }

    @Test("judging again compares with what was known when it was asked for, and a person's word on a failure is no proof of itself")
    func again() async throws {
        try await fixture.serve { clients in
            let results = try await fixture.file(Self.messages)
            try await fixture.say(.network, .high, of: results[0], clients)
            let started = try await clients.recategorisations.recategoriseFailures(.with { $0.project = fixture.project.description })
            #expect(started.lessonsEdition == 1)
            try await fixture.say(.resource, of: results[2], clients)
            try await fixture.say(.data, of: results[0], clients)
            var worker = fixture.recategorise
            worker.pages = 1000
            try await worker.handle(.init(id: ID(started.id), after: nil), Job(tenant: fixture.tenant, kind: RecategoriseFailures.Payload.kind))
            let failures = try await results.asyncMap { result in try await clients.failures.getFailure(.with { $0.result = result }) }
            #expect(failures.map(\.category) == [.data, .network, .resource])
            #expect(failures.map(\.rule) == ["assertion.failed", "learned", "assertion.failed"])
            #expect(failures[1].severity == .high && failures[0].judgedCategory == .assertion)
            for result in results {
                let replay = try await clients.verdicts.replayFailure(.with { $0.result = result })
                #expect(replay.agrees, "\(replay)")
            }
            // The same words change nothing; others do.
            #expect(try await fixture.recategorise(clients).changed == 1)
            #expect(try await fixture.recategorise(clients).changed == 0)
            #expect(try await clients.failures.getFailure(.with { $0.result = results[1] }).category == .data)
        }
    }

    @Test("the learned step can be switched off, in an edition of the rules, and on again; receipts of both times replay")
    func switched() async throws {
        try await fixture.serve { clients in
            let project = fixture.project.description
            let first = try await fixture.filed("warehouse 17 gave no stock figures", clients)
            try await fixture.say(.network, of: first.result, clients)
            var learning = try await clients.lessons.getLearning(.with { $0.project = project })
            #expect(learning.enabled && learning.version == 1 && learning.lessonsEdition == 1)
            let learned = try await fixture.filed("warehouse 18 gave no stock figures", clients)
            learning = try await clients.lessons.putLearning(
                .with {
                    $0.project = project; $0.enabled = false; $0.version = 1
                })
            #expect(!learning.enabled && learning.version == 2)
            let again = try await clients.lessons.putLearning(
                .with {
                    $0.project = project; $0.enabled = false; $0.version = 2
                })
            #expect(again == learning)
            let stale = try await InProcess.fault {
                try await clients.lessons.putLearning(
                    .with {
                        $0.project = project; $0.enabled = true; $0.version = 1
                    })
            }
            #expect(stale.code == "precondition_failed")
            let off = try await fixture.filed("warehouse 19 gave no stock figures", clients)
            #expect(learned.rule == "learned" && off.rule == "assertion.failed")
            let receipt = try await clients.verdicts.getReceipt(.with { $0.result = off.result })
            #expect(receipt.projectEdition == 1 && receipt.lessonsEdition == 0 && receipt.learnedEdition == 0)
            #expect(try await fixture.recategorise(clients).lessonsEdition == 0)

            _ = try await fixture.make(fixture.draft("printer"), clients)
            _ = try await clients.lessons.putLearning(
                .with {
                    $0.project = project; $0.enabled = true
                })
            #expect(try await fixture.filed("warehouse 20 gave no stock figures", clients).rule == "learned")
            let editions = try await clients.rules.listRuleEditions(.with { $0.project = project })
            #expect(editions.data.map(\.change) == [.learningOn, .created, .learningOff] && editions.data.map(\.edition) == [3, 2, 1])
            #expect(editions.data[0].rule.isEmpty && editions.data[0].changedBy == "usr_ann")
            for (edition, isOn) in [("0", true), ("1", false), ("2", false), ("3", true)] {
                let rules = try await clients.rules.getRuleEdition(
                    .with {
                        $0.project = project; $0.edition = edition
                    })
                #expect(rules.learning == isOn)
            }
            for result in [learned.result, off.result] {
                let replay = try await clients.verdicts.replayFailure(.with { $0.result = result })
                #expect(replay.agrees && replay.rule == "assertion.failed", "\(replay)")
            }
        }
    }

    @Test("a draft is tried with what would be learned where it lets a failure go")
    func tester() async throws {
        try await fixture.serve { clients in
            let first = try await fixture.filed("warehouse 17 gave no stock figures", clients)
            try await fixture.say(.network, of: first.result, clients)
            let rule = try await fixture.make(fixture.draft("warehouse", .environment), clients)
            let taken = try await fixture.filed("warehouse 18 gave no stock figures", clients)
            #expect(taken.rule == rule.id)
            let test = try await clients.rules.testProjectRule(
                .with {
                    $0.project = fixture.project.description; $0.draft = fixture.draft("printer", .environment); $0.rule = rule.id
                })
            #expect(test.matches.map(\.result) == [taken.result] && test.matches[0].categoryThen == .network)
            #expect(test.matches[0].ruleThen == "learned" && !test.matches[0].decides)
        }
    }

    @Test("failures that are not filed yet are compared too")
    func classified() async throws {
        try await fixture.serve { clients in
            let first = try await fixture.filed("warehouse 17 gave no stock figures", clients)
            try await fixture.say(.network, of: first.result, clients)
        }
        let rpc = ClassificationsRPC(rules: fixture.rules)
        let project = fixture.project.description
        let found = try await InProcess.serve([rpc], rules: ValidationContract.rules, as: .service("execution", tenant: fixture.tenant)) { client in
            try await PBClassifications.Client(wrapping: client).classifyFailures(
                .with {
                    $0.project = project
                    $0.results = [
                        .with {
                            $0.result = ID<ValidationService.Result>.new().description
                            $0.test = ID<ValidationService.Test>.new().description
                            $0.name = "another test"
                            $0.outcome = .failed
                            $0.message = "warehouse 4 gave no stock figures"
                        }
                    ]
                }
            ).data
        }
        #expect(found.map(\.category) == ["NETWORK"])
    }
}
