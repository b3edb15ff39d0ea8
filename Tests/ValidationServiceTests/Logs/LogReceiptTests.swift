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

@Suite("receipts of log patterns", .database(ValidationProgram.schema, JobSchema.schema))
struct LogReceiptTests {
    private let fixture = LogReceiptFixture()
    private static let log = """
        10:00:00 ERROR connection refused by 10.0.0.7
        10:00:01 INFO connection refused is what we test
        10:00:02 ERROR the zebra is loose
        """

    @Test("a pattern says by which rule of which edition it is of its category, and on what, whoever asks")
    func receipt() async throws {
        let rule = try await fixture.addRule("zebra", .environment)
        try await fixture.read(Self.log)
        // Whoever comes later is of the first one's receipt.
        try await fixture.read(Self.log)
        try await fixture.serve { clients in
            let refused = try await fixture.pattern("refused by", clients)
            #expect(refused.category == .network && !refused.overruled && refused.judgedCategory == .categoryUnspecified)
            let receipt = refused.receipt
            #expect(receipt.category == .network && receipt.severity == .high && receipt.rule == "network.connection-refused")
            #expect(receipt.evidence.contains("connection refused") && receipt.hasJudgedAt)
            #expect(receipt.builtInEdition == BuiltInRules.edition && receipt.projectEdition == 1)
            let hash = LogRules.symptoms(refused.sample).hash.map { String(UInt16($0) + 256, radix: 16).dropFirst() }.joined()
            #expect(receipt.inputSha256 == hash)
            let history = try await clients.patterns.getLogPattern(
                .with {
                    $0.project = fixture.project.description
                    $0.pattern = refused.id
                })
            #expect(history.pattern == refused)

            let calm = try await fixture.pattern("is what we test", clients)
            #expect(calm.category == .categoryUnspecified && calm.hasReceipt && calm.receipt.rule.isEmpty && calm.receipt.inputSha256.count == 64)
            let zebra = try await fixture.pattern("zebra", clients)
            #expect(zebra.category == .environment && zebra.receipt.rule == rule.description && zebra.receipt.severity == .low)
        }
    }

    @Test("a receipt replays to the same, also when the rules have changed since; what does not says so")
    func replay() async throws {
        try await fixture.read(Self.log)
        _ = try await fixture.addRule("zebra|refused|loose", .data)
        try await fixture.serve { clients in
            let (refused, calm) = (try await fixture.pattern("refused by", clients), try await fixture.pattern("is what we test", clients))
            let zebra = try await fixture.pattern("zebra", clients)
            for pattern in [refused, calm, zebra] {
                let replay = try await fixture.replay(pattern.id, clients)
                #expect(replay.agrees && replay.receipt == pattern.receipt, "\(replay)")
                #expect(replay.category == pattern.receipt.category && replay.rule == pattern.receipt.rule)
            }
            #expect(try await fixture.replay(calm.id, clients).rule.isEmpty)
            let unknown = try await fixture.replay(zebra.id, clients)
            #expect(unknown.category == .unknown && unknown.receipt.projectEdition == 0 && zebra.category == .categoryUnspecified)

            #expect(try await fixture.tamper("update log_signatures set category = 'dns' where rule = 'network.connection-refused'") == 1)
            let other = try await fixture.replay(refused.id, clients)
            #expect(!other.agrees && other.receipt.category == .dns && other.category == .network)
        }
    }

    @Test(
        "what cannot be judged once more is told why",
        arguments: [
            ("sample = 'another line'", "hash"), ("rules_edition = 99", "edition 99"),
            ("rule = null, severity = null, evidence = null, input_hash = null, judged_at = null", "before"),
        ])
    func impossible(change: String, words: String) async throws {
        try await fixture.read(Self.log)
        try await fixture.tamper(SQL(stringLiteral: "update log_signatures set \(change)"))
        try await fixture.serve { clients in
            let pattern = try await fixture.pattern("zebra", clients)
            let fault = try await InProcess.fault { try await fixture.replay(pattern.id, clients) }
            #expect(fault.code == "log_patterns.not_replayable" && fault.kind == .precondition && fault.detail.contains(words), "\(fault)")
            let unknown = try await InProcess.fault { try await fixture.replay(ID<LogPattern>.new().description, clients) }
            #expect(unknown.code == "log_pattern.not_found")
        }
    }

    @Test("judging again reaches the lines of logs, and a person's word stays")
    func judgingAgain() async throws {
        let run = try await fixture.read(Self.log)
        try await fixture.serve { clients in
            let refused = try await fixture.pattern("refused by", clients)
            _ = try await fixture.say(.environment, of: refused.id, clients)
            let rule = try await fixture.addRule("zebra|refused", .tls)
            #expect(try await fixture.pattern("zebra", clients).category == .categoryUnspecified)

            let done = try await fixture.judgeAgain(clients)
            // The line that says that all is well is asked about by no rule.
            #expect(done.state == .done && done.changedLogPatterns == 2 && done.total == 0)
            let zebra = try await fixture.pattern("zebra", clients)
            #expect(zebra.category == .tls && zebra.receipt.rule == rule.description && zebra.receipt.projectEdition == 1)
            let word = try await fixture.pattern("refused by", clients)
            #expect(word.category == .environment && word.overruled && word.judgedCategory == .tls && word.receipt.category == .tls)
            for pattern in [zebra, word] { #expect(try await fixture.replay(pattern.id, clients).agrees) }
            // What a run is told is what the project knows by now.
            let told = try await clients.patterns.listRunLogPatterns(.with { $0.run = run.description })
            #expect(told.data.count == 3 && Set(told.data.map(\.category)) == [.environment, .tls, .categoryUnspecified])

            try await fixture.giveBack(refused.id, clients)
            #expect(try await fixture.pattern("refused by", clients).category == .tls)
            #expect(try await fixture.judgeAgain(clients).changedLogPatterns == 0)
        }
    }

    @Test("what was learnt without a receipt gets one, and counts as changed only if its category is another")
    func older() async throws {
        try await fixture.read(Self.log)
        let none: SQL = """
            update log_signatures set rule = null, severity = null, evidence = null, rules_edition = null, project_rules_edition = null,
                input_hash = null, judged_at = null
            """
        #expect(try await fixture.tamper(none) == 3)
        _ = try await fixture.addRule("zebra", .data)
        try await fixture.serve { clients in
            let before = try await fixture.pattern("refused by", clients)
            #expect(before.category == .network && !before.hasReceipt)
            #expect(try await fixture.judgeAgain(clients).changedLogPatterns == 1)
            for text in ["refused by", "is what we test", "zebra"] {
                let pattern = try await fixture.pattern(text, clients)
                #expect(pattern.hasReceipt)
                #expect(try await fixture.replay(pattern.id, clients).agrees, "\(text)")
            }
        }
    }

    @Test("a judging that has been given up writes nothing, and neither does one over a line that it has not judged")
    func late() async throws {
        try await fixture.read(Self.log)
        _ = try await fixture.addRule("zebra", .data)
        try await fixture.serve { clients in
            let started = try await clients.judgings.recategoriseFailures(.with { $0.project = fixture.project.description })
            let store = LogReceiptStore(database: fixture.database)
            let book = try await fixture.judging.rules.book(of: fixture.project, tenant: fixture.tenant)
            let lines = try await store.page(after: nil, limit: 10, by: book.edition, fixture.scope)
            let judged = LogRejudgement(lines, by: book)
            #expect(lines.count == 3 && judged.changes.map(\.isOfPattern) == [true])

            try await fixture.tamper("update log_signatures set sample = 'learnt again' where text like '%zebra%'")
            #expect(try await store.record(judged, of: ID(started.id), fixture.scope))
            #expect(try await fixture.pattern("zebra", clients).category == .categoryUnspecified)
            try await fixture.tamper("update recategorisations set finished_at = now()")
            #expect(try await store.record(judged, of: ID(started.id), fixture.scope) == false)
        }
    }

    @Test("what newer rules have judged since a judging was asked for stays as it is, also what they judge while it is under way")
    func newer() async throws {
        try await fixture.read(Self.log)
        _ = try await fixture.addRule("zebra", .data)
        try await fixture.serve { clients in
            let started = try await clients.judgings.recategoriseFailures(.with { $0.project = fixture.project.description })
            let book = try await fixture.judging.rules.book(of: fixture.project, tenant: fixture.tenant)
            let store = LogReceiptStore(database: fixture.database)
            let lines = try await store.page(after: nil, limit: 10, by: book.edition, fixture.scope)
            #expect(lines.count == 3)

            // The newer edition says of a new line what the older one does not.
            let rule = try await fixture.addRule("zebra|quagga", .tls)
            try await fixture.read("10:00:00 ERROR connection refused by a quagga in the yard")
            #expect(try await store.page(after: nil, limit: 10, by: book.edition, fixture.scope).count == 3)
            // And of one that was read before it was judged by the newer edition.
            try await fixture.tamper(
                """
                update log_signatures set category = 'tls', project_rules_edition = 2, rule = \(rule.description), severity = 'low', evidence = 'zebra'
                where text like '%zebra%'
                """)
            #expect(try await store.record(LogRejudgement(lines, by: book), of: ID(started.id), fixture.scope))
            try await fixture.handle(started.id)
            for text in ["zebra", "quagga"] {
                let pattern = try await fixture.pattern(text, clients)
                #expect(pattern.category == .tls && pattern.receipt.projectEdition == 2 && pattern.receipt.rule == rule.description, "\(text)")
            }
        }
    }

    @Test("two runs of one judging that meet count what has changed once")
    func twice() async throws {
        try await fixture.read(Self.log)
        let rule = try await fixture.addRule("zebra|refused", .data)
        try await fixture.serve { clients in
            let started = try await clients.judgings.recategoriseFailures(.with { $0.project = fixture.project.description })
            let store = LogReceiptStore(database: fixture.database)
            let book = try await fixture.judging.rules.book(of: fixture.project, tenant: fixture.tenant)
            let lines = try await store.page(after: nil, limit: 10, by: book.edition, fixture.scope)
            // Another one has judged a line meanwhile: of the same category, by another rule.
            try await fixture.tamper(
                "update log_signatures set category = 'data', rule = 'r', severity = 'low', evidence = 'e' where text like '%zebra%'")
            for _ in 0..<2 { #expect(try await store.record(LogRejudgement(lines, by: book), of: ID(started.id), fixture.scope)) }
            func judging() async throws -> PBRecategorisation {
                try await clients.judgings.getRecategorisation(.with { $0.recategorisation = started.id })
            }
            #expect(try await judging().changedLogPatterns == 1)
            #expect(try await fixture.pattern("refused by", clients).receipt.rule == rule.description)
            #expect(try await fixture.pattern("zebra", clients).receipt.rule == "r")
            try await fixture.handle(started.id)
            #expect(try await judging().changedLogPatterns == 2)
        }
    }
}
