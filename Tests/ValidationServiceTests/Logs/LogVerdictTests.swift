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

@Suite("what people say of log patterns", .database(ValidationProgram.schema, JobSchema.schema))
struct LogVerdictTests {
    private let fixture = LogReceiptFixture()
    private static let log = "ERROR connection refused by 10.0.0.7\nINFO all is well"

    @Test("the latest person wins, what was said stays readable, and every list says what holds")
    func verdicts() async throws {
        let run = try await fixture.read(Self.log)
        try await fixture.serve { clients in
            let pattern = try await fixture.pattern("refused", clients).id
            let before = try await fixture.verdict(pattern, clients)
            #expect(before.version == 1 && before.category == .categoryUnspecified && !before.hasDecidedAt && before.pattern == pattern)
            let first = try await fixture.say(.environment, of: pattern, version: 1, reason: "It restarts at night.", clients)
            #expect(first.version == 2 && first.decidedBy == "usr_ann" && first.reason == "It restarts at night." && first.hasDecidedAt)
            let stale = try await InProcess.fault { try await fixture.say(.data, of: pattern, version: 1, clients) }
            #expect(stale.code == "precondition_failed")
            let second = try await Caller.with(fixture.judging.person("usr_bob")) {
                try await fixture.say(.setup, of: pattern, version: 2, clients)
            }
            #expect(second.version == 3 && second.decidedBy == "usr_bob")
            #expect(try await fixture.verdict(pattern, clients) == second)

            let told = try await fixture.pattern("refused", clients)
            #expect(told.category == .setup && told.overruled && told.judgedCategory == .network && told.receipt.category == .network)
            let narrowed = try await clients.patterns.listLogPatterns(
                .with {
                    $0.project = fixture.project.description
                    $0.category = [.setup]
                })
            #expect(narrowed.data == [told])
            let ofRun = try await clients.patterns.listRunLogPatterns(
                .with {
                    $0.run = run.description
                    $0.category = [.setup]
                })
            #expect(ofRun.data.map(\.id) == [pattern])
            let analysed = try await clients.patterns.analyseLog(
                .with {
                    $0.project = fixture.project.description
                    $0.text = "ERROR connection refused by 10.0.0.8"
                })
            #expect(analysed.data.map(\.category) == [.setup] && analysed.data.map(\.pattern) == [pattern])

            try await fixture.giveBack(pattern, clients)
            try await fixture.giveBack(pattern, clients)
            let given = try await fixture.pattern("refused", clients)
            #expect(given.category == .network && !given.overruled)
            let all = try await list(pattern, limit: 2, cursor: "", clients)
            #expect(all.data.map(\.version) == [4, 3] && all.data.map(\.category) == [.categoryUnspecified, .setup] && all.page.hasMore_p)
            let rest = try await list(pattern, limit: 2, cursor: all.page.nextCursor, clients)
            #expect(rest.data == [first] && !rest.page.hasMore_p)
        }
    }

    private func list(
        _ pattern: String, limit: Int32, cursor: String, _ clients: LogReceiptFixture.Clients
    ) async throws -> PBListLogPatternVerdictsResponse {
        try await clients.verdicts.listLogPatternVerdicts(
            .with {
                $0.project = fixture.project.description
                $0.pattern = pattern
                $0.limit = limit
                $0.cursor = cursor
            })
    }

    @Test("a person can say that lines are none of the categories")
    func none() async throws {
        try await fixture.read(Self.log)
        try await fixture.serve { clients in
            let pattern = try await fixture.pattern("refused", clients).id
            #expect(try await fixture.say(.unknown, of: pattern, clients).category == .unknown)
            let told = try await fixture.pattern("refused", clients)
            #expect(told.category == .categoryUnspecified && told.overruled && told.judgedCategory == .network)
        }
    }

    @Test("what a person calls nothing comes with all else in a run and in a text, whatever its level; given back it comes first again")
    func dismissed() async throws {
        let run = try await fixture.read("ERROR connection refused by 10.0.0.7\nERROR the disk is full\nINFO all is well\nINFO all is well")
        try await fixture.serve { clients in
            let pattern = try await fixture.pattern("refused", clients).id
            func samples(ofRun: Bool) async throws -> [String] {
                if ofRun {
                    let listed = try await clients.patterns.listRunLogPatterns(.with { $0.run = run.description })
                    return listed.data.map(\.sample)
                }
                let analysed = try await clients.patterns.analyseLog(
                    .with {
                        $0.project = fixture.project.description
                        $0.text = "INFO all is well\nINFO all is well\nERROR connection refused by 10.0.0.7\nERROR the disk is full"
                    })
                return analysed.data.map(\.sample)
            }
            let (refused, full, calm) = ("ERROR connection refused by 10.0.0.7", "ERROR the disk is full", "INFO all is well")
            for ofRun in [true, false] {
                let before = try await samples(ofRun: ofRun)
                #expect(Set(before.prefix(2)) == [refused, full] && before.last == calm, "\(before)")
            }
            _ = try await fixture.say(.unknown, of: pattern, clients)
            for ofRun in [true, false] {
                let said = try await samples(ofRun: ofRun)
                #expect(said == [full, calm, refused], "\(said)")
            }
            let listed = try await clients.patterns.listRunLogPatterns(.with { $0.run = run.description })
            #expect(listed.data.map(\.overruled) == [false, false, true])
            // Any other word is of something that is wrong.
            _ = try await fixture.say(.environment, of: pattern, clients)
            #expect(try await samples(ofRun: true).last == calm)
            _ = try await fixture.say(.unknown, of: pattern, clients)
            try await fixture.giveBack(pattern, clients)
            #expect(try await samples(ofRun: true).last == calm)
        }
    }

    @Test("patterns that are put together are what was said last of any of them, by whichever id")
    func merging() async throws {
        let names = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliet", "kilo", "lima", "mike"]
        @Sendable func read(_ places: Range<Int>) async throws {
            for place in places { try await fixture.read("ERROR the plugin \(names[place]) was not loaded", hours: Double(place)) }
        }
        try await read(0..<2)
        try await fixture.serve { clients in
            let (alpha, bravo) = (try await fixture.pattern("alpha", clients).id, try await fixture.pattern("bravo", clients).id)
            #expect(alpha != bravo)
            _ = try await fixture.say(.data, of: alpha, clients)
            let last = try await fixture.say(.setup, of: bravo, clients)
            #expect(last.version == 2)
            try await read(2..<names.count)
            let merged = try await fixture.pattern("plugin", clients)
            #expect(merged.template == "ERROR the plugin <*> was not loaded" && merged.category == .setup && merged.overruled)
            for id in [alpha, bravo] {
                let word = try await fixture.verdict(id, clients)
                #expect(word.pattern == merged.id && word.category == .setup && word.version == 3)
            }
            let newer = try await fixture.say(.concurrency, of: bravo, version: 3, clients)
            #expect(newer.pattern == merged.id && newer.version == 4)
            #expect(try await list(alpha, limit: 10, cursor: "", clients).data.map(\.category) == [.concurrency, .setup, .data])
            try await fixture.giveBack(alpha, clients)
            #expect(try await fixture.pattern("plugin", clients).category == merged.judgedCategory)
        }
    }

    @Test("what was said of a pattern that is forgotten holds when it comes back")
    func forgotten() async throws {
        try await fixture.read(Self.log)
        try await fixture.serve { clients in
            let pattern = try await fixture.pattern("refused", clients).id
            _ = try await fixture.say(.data, of: pattern, clients)
            try await fixture.patterns.forgetPatterns(before: Date(), fixture.scope)
            let gone = try await InProcess.fault { try await fixture.verdict(pattern, clients) }
            #expect(gone.code == "log_pattern.not_found")
            try await fixture.read(Self.log)
            #expect(try await fixture.pattern("refused", clients).category == .data)
            #expect(try await fixture.say(.setup, of: pattern, clients).version == 3)
        }
    }

    @Test("what was said of a part of a joined pattern stays when the project is full and another one makes room", .timeLimit(.minutes(2)))
    func full() async throws {
        let names = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliet", "kilo", "lima", "mike"]
        @Sendable func read(_ places: Range<Int>) async throws {
            for place in places { try await fixture.read("ERROR the plugin \(names[place]) was not loaded", hours: Double(place)) }
        }
        try await read(0..<2)
        try await fixture.serve { clients in
            _ = try await fixture.say(.setup, of: fixture.pattern("bravo", clients).id, clients)
            try await read(2..<names.count)
            #expect(try await fixture.pattern("plugin", clients).category == .setup)
            // All the others were seen by many runs.
            let texts = (0..<LogBounds.signatures - names.count).map(GroupFixture.words)
            let ids = texts.map { Signature(origin: "", text: $0).id.uuid }
            let filled = try await fixture.tamper(
                """
                insert into log_signatures (
                    tenant_id, project_id, signature_id, pattern_id, text, level, lines, runs, first_at, last_at, last_run, sample)
                select \(fixture.tenant), \(fixture.project), u.id, u.id, u.text, 'info', 9, 9, now(), now(), \(ID<ValidationService.Run>.new()), u.text
                from unnest(\(ids)::uuid[], \(texts)::text[]) as u (id, text)
                """)
            #expect(filled == LogBounds.signatures - names.count)
            try await fixture.read("INFO nobody has said so much as this", hours: 100)
            let left = try await fixture.database.rows(.tenant(fixture.tenant), "select text from log_signatures where text like '%plugin%'") {
                try $0.value("text", as: String.self)
            }
            #expect(left.count == names.count - 1 && left.contains { $0.contains("bravo") } && !left.contains { $0.contains("charlie") })
            #expect(try await fixture.pattern("plugin", clients).category == .setup)
        }
    }

    @Test("what was said is neither changed nor deleted, not even by the service itself")
    func kept() async throws {
        try await fixture.read(Self.log)
        try await fixture.serve { clients in
            _ = try await fixture.say(.data, of: fixture.pattern("refused", clients).id, clients)
        }
        #expect(try await fixture.tamper("update log_pattern_verdicts set category = 'dns'") == 0)
        #expect(try await fixture.tamper("delete from log_pattern_verdicts") == 0)
    }

    @Test("who may only read says nothing, who may not use the project sees nothing, and a reason is needed")
    func refusals() async throws {
        try await fixture.read(Self.log)
        try await fixture.serve { clients in
            let pattern = try await fixture.pattern("refused", clients).id
            let reader = try await Caller.with(fixture.judging.person("usr_eve", permissions: ["runs.read"])) {
                try await InProcess.fault { try await fixture.say(.data, of: pattern, clients) }
            }
            #expect(reader.kind == .forbidden)
            for reason in ["", String(repeating: "x", count: 1001), "a\0b"] {
                let refused = try await InProcess.fault { try await fixture.say(.data, of: pattern, reason: reason, clients) }
                #expect(refused.kind == .invalid && refused.fields.map(\.pointer) == ["/reason"], "\(refused)")
            }
            let unnamed = try await InProcess.fault { try await fixture.say(.categoryUnspecified, of: pattern, clients) }
            #expect(unnamed.kind == .invalid)
        }
        let stranger = Caller(tenant: fixture.tenant, actor: "usr_1", permissions: ["runs.read", "failures.triage"], projects: [UUID()])
        try await fixture.serve(as: stranger) { clients in
            let id = ID<LogPattern>.new().description
            let faults = [
                try await InProcess.fault { try await fixture.replay(id, clients) },
                try await InProcess.fault { try await fixture.verdict(id, clients) },
                try await InProcess.fault { try await fixture.say(.data, of: id, clients) },
                try await InProcess.fault { try await fixture.giveBack(id, clients) },
                try await InProcess.fault { try await list(id, limit: 1, cursor: "", clients) },
            ]
            #expect(faults.allSatisfy { $0.code == "project.not_found" }, "\(faults)")
        }
    }
}
