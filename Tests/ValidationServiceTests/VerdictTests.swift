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

@Suite("receipts and verdicts", .database(ValidationProgram.schema, JobSchema.schema))
struct VerdictTests {
    let fixture = JudgingFixture()

    @Test("a receipt replays to the same, also when the rules have changed since")
    func replay() async throws {
        try await fixture.serve { clients in
            let project = fixture.project.description
            let rule = try await fixture.make(fixture.draft("sandbox", .environment), clients)
            let results = try await fixture.file(["sandbox\u{0}: connection refused", "timed out", String(repeating: "ü", count: 9000) + "sandbox"])
            _ = try await clients.rules.putProjectRule(
                .with {
                    $0.project = project; $0.rule = rule.id; $0.draft = fixture.draft("nothing", .data)
                })
            for (result, expected) in zip(results, [rule.id, "timeout.exceeded", "assertion.failed"]) {
                let replay = try await clients.verdicts.replayFailure(.with { $0.result = result })
                #expect(replay.agrees && replay.rule == expected && replay.receipt.rule == expected, "\(replay)")
                #expect(replay.receipt.projectEdition == 1 && replay.receipt.builtInEdition == BuiltInRules.edition)
                #expect(replay.receipt.inputSha256.count == 64)
            }
            // A row that somebody tampered with does not replay.
            try await fixture.database.execute(
                .tenant(fixture.tenant), "update failures set category = 'dns' where tenant_id = \(fixture.tenant) and message = 'timed out'")
            let other = try await clients.verdicts.replayFailure(.with { $0.result = results[1] })
            #expect(!other.agrees && other.category == .timeout && other.receipt.category == .dns)
            try await fixture.database.execute(
                .tenant(fixture.tenant), "update failures set symptoms_hash = null where tenant_id = \(fixture.tenant)")
            let lost = try await InProcess.fault { try await clients.verdicts.replayFailure(.with { $0.result = results[0] }) }
            #expect(lost.code == "failures.not_replayable")
        }
    }

    @Test("the same failure of every night is kept once")
    func symptoms() async throws {
        _ = try await fixture.file(["a", "a", "b"])
        _ = try await fixture.file(["a"])
        let count = try await fixture.database.one(
            .tenant(fixture.tenant), "select count(*) from symptoms where tenant_id = \(fixture.tenant)"
        ) { try $0.value("count", as: Int64.self) }
        #expect(count == 2)
    }

    @Test("no two symptoms are written alike, and a cut is never within a character")
    func hash() {
        let all = [
            Symptoms(message: "ab"), Symptoms(type: "ab"), Symptoms(message: "a", type: "b"), Symptoms(trace: "ab"), Symptoms(standardError: "ab"),
            Symptoms(httpStatus: 503), Symptoms(errorCode: "503"), Symptoms(outcome: .errored), Symptoms(standardOutput: "ab"), Symptoms(),
        ]
        #expect(Set(all.map(\.hash)).count == all.count)
        let cut = Symptoms(message: "a" + String(repeating: "€", count: 5000)).bounded
        #expect(cut.message.utf8.count == Symptoms.maxBytes - 1 && cut.message.hasSuffix("€"))
        #expect(cut.hash == cut.bounded.hash)
        // As it was before there were outputs: older receipts hold it.
        let old = Symptoms(message: "a", type: "b", trace: "c", standardError: "d", httpStatus: 503, errorCode: "e")
        let digits = old.hash.map { String(UInt16($0) + 256, radix: 16).dropFirst() }.joined()
        #expect(digits == "9239707862d34d6507a6eab8c81ab60ad0e1a1ecb769ee0a12d989f9ef56a193")
    }

    @Test("the latest person wins, what was said stays readable, and what is counted is the person's")
    func verdicts() async throws {
        try await fixture.serve { clients in
            let result = try await fixture.file(["connection refused"])[0]
            let before = try await clients.verdicts.getVerdict(.with { $0.result = result })
            #expect(before.version == 1 && before.category == .categoryUnspecified && !before.hasDecidedAt)
            let first = try await clients.verdicts.putVerdict(
                .with {
                    $0.result = result; $0.category = .environment; $0.severity = .low; $0.note = "maintenance"; $0.version = 1
                })
            #expect(first.version == 2 && first.decidedBy == "usr_ann" && first.severity == .low)
            let stale = try await InProcess.fault {
                try await clients.verdicts.putVerdict(
                    .with {
                        $0.result = result; $0.category = .data; $0.version = 1
                    })
            }
            #expect(stale.code == "precondition_failed")
            let second = try await Caller.with(fixture.person("usr_bob")) {
                try await clients.verdicts.putVerdict(
                    .with {
                        $0.result = result; $0.category = .setup; $0.version = 2
                    })
            }
            // Without a severity it is the machine's, and not what the person said.
            #expect(second.category == .setup && second.severity == .severityUnspecified && second.decidedBy == "usr_bob")
            #expect(try await clients.verdicts.getVerdict(.with { $0.result = result }) == second)
            var failure = try await clients.failures.getFailure(.with { $0.result = result })
            #expect(failure.severity == .high)
            #expect(failure.category == .setup && failure.overruled && failure.judgedCategory == .network && failure.judgedSeverity == .high)
            let validation = try await clients.failures.getValidation(.with { $0.run = fixture.run.description })
            #expect(validation.categories.map(\.category) == [.setup])
            let receipt = try await clients.verdicts.getReceipt(.with { $0.result = result })
            #expect(receipt.category == .network)

            _ = try await clients.verdicts.deleteVerdict(.with { $0.result = result })
            _ = try await clients.verdicts.deleteVerdict(.with { $0.result = result })
            failure = try await clients.failures.getFailure(.with { $0.result = result })
            #expect(failure.category == .network && failure.severity == .high && !failure.overruled)
            let page = try await clients.verdicts.listVerdicts(
                .with {
                    $0.result = result; $0.limit = 2
                })
            #expect(page.data.map(\.version) == [4, 3] && page.data.map(\.category) == [.categoryUnspecified, .setup] && page.page.hasMore_p)
            #expect(page.data.map(\.severity) == [.severityUnspecified, .severityUnspecified])
            let rest = try await clients.verdicts.listVerdicts(
                .with {
                    $0.result = result; $0.limit = 2; $0.cursor = page.page.nextCursor
                })
            #expect(rest.data == [first])
        }
    }
}
