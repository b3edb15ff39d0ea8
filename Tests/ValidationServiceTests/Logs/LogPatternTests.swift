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

@Suite("patterns of logs", .database(ValidationProgram.schema, JobSchema.schema))
struct LogPatternTests {
    private let tenant = ID<Tenant>.new()
    private let project = ID<Project>.new()
    private var database: Database { TestDatabase.current.database }
    private var analysis: LogAnalysis {
        LogAnalysis(intake: LogIntakeStore(database: database), words: LogVerdictStore(database: database), rules: RuleStore(database: database))
    }
    private var patterns: LogPatternStore { LogPatternStore(database: database) }
    private var scope: ProjectScope { ProjectScope(tenant: tenant, project: project) }
    let start = Date(timeIntervalSince1970: 1_767_225_600)

    /// Reads a log of a run, and says how the run ended.
    @discardableResult
    func log(
        _ text: String, run: ID<Run> = .new(), artifact: ID<Artifact> = .new(), piece: Int32 = 0, hours: Double, passed: Bool = true,
        branch: String = "main", lane: Lane = .trusted
    ) async throws -> ID<Run> {
        let at = start.addingTimeInterval(hours * 3600)
        let piece = LogPiece(
            scope: scope, run: run, artifact: artifact, number: piece, isLast: true, isCut: false, isUnreadable: false,
            isTrusted: lane == .trusted, branch: branch, startedAt: at)
        try await analysis.record(Array(text.utf8), of: piece)
        try await ValidationStore(database: database, jobs: JobQueue(database: database)).complete(
            FinishedRun(
                .with {
                    $0.project = project.description
                    $0.run = run.description
                    $0.branch = branch
                    $0.lane = lane == .trusted ? .trusted : .untrusted
                    $0.counts.passed = 5
                    $0.counts.failed = passed ? 0 : 1
                    $0.startedAt = Google_Protobuf_Timestamp(milliseconds: at)
                    $0.finishedAt = Google_Protobuf_Timestamp(milliseconds: at)
                    $0.isWhole = true
                }), tenant: tenant)
        return run
    }

    func serve<R: Sendable>(
        projects: Set<UUID>? = nil, _ body: @Sendable (PBLogPatterns.Client<InProcess.Transport>) async throws -> R
    ) async throws -> R {
        let caller = Caller(tenant: tenant, actor: "usr_1", permissions: ["runs.read"], projects: projects)
        let services = [LogPatternsRPC(patterns: patterns, analysis: analysis)]
        return try await InProcess.serve(services, rules: ValidationContract.rules, as: caller) { try await body(.init(wrapping: $0)) }
    }

    static let calm = "10:00:00 INFO request 1 took 5 ms\n10:00:01 INFO request 2 took 6 ms\n10:00:02 WARN cache is cold"

    @Test("a failed run tells first what the logs of passed runs never said")
    func new() async throws {
        try await log(Self.calm, hours: 0)
        try await log(Self.calm, hours: 1)
        // Runs that failed, and other branches, say nothing of what is normal.
        try await log("10:00:00 ERROR connection refused by 10.0.0.7", hours: 2, passed: false)
        try await log("10:00:00 ERROR connection refused by 10.0.0.8", hours: 2, branch: "other")
        let run = try await log(Self.calm + "\n10:00:03 ERROR connection refused by 10.0.0.9\n10:00:04 INFO goodbye", hours: 3, passed: false)
        try await serve { client in
            let answer = try await client.listRunLogPatterns(.with { $0.run = run.description })
            #expect(answer.data.map(\.isNew) == [true, true, false, false] && answer.data.allSatisfy(\.hasIsNew))
            #expect(answer.data[0].level == .error && answer.data[0].category == .network && answer.data[0].lines == 1)
            #expect(answer.data[0].sample == "10:00:03 ERROR connection refused by 10.0.0.9" && answer.data[0].seenInRuns == 2)
            #expect(answer.data[2].lines == 2 && answer.data[2].seenInRuns == 2)
            let logs = answer.logs
            #expect(logs.logs == 1 && logs.lines == 5 && logs.otherLines == 0 && logs.comparedRuns == 2 && logs.comparedBranch == "main")
            #expect(logs.recentRuns == 4)

            let only = try await client.listRunLogPatterns(
                .with {
                    $0.run = run.description
                    $0.onlyNew = true
                    $0.level = [.error]
                    $0.category = [.network]
                })
            #expect(only.data == [answer.data[0]])
            var pages: [PBRunLogPattern] = []
            var cursor = ""
            repeat {
                let page = try await client.listRunLogPatterns(
                    .with {
                        $0.run = run.description
                        $0.limit = 1
                        $0.cursor = cursor
                    })
                pages += page.data
                cursor = page.page.nextCursor
            } while !cursor.isEmpty
            #expect(pages == answer.data)
        }
    }

    @Test("without an earlier run that passed nothing is called new; of a branch that has none, those of all count")
    func baseline() async throws {
        let first = try await log(Self.calm, hours: 0)
        let feature = try await log(Self.calm + "\n10:00:09 ERROR broken", hours: 1, passed: false, branch: "feature")
        try await serve { client in
            let alone = try await client.listRunLogPatterns(.with { $0.run = first.description })
            #expect(alone.data.allSatisfy { !$0.hasIsNew } && alone.logs.comparedRuns == 0)
            let held = try await client.listRunLogPatterns(.with { $0.run = feature.description })
            #expect(held.logs.comparedRuns == 1 && held.logs.comparedBranch.isEmpty && held.data.map(\.isNew) == [true, false, false])
        }
    }

    @Test("a piece counts once, however often it comes")
    func again() async throws {
        let (run, artifact) = (ID<Run>.new(), ID<Artifact>.new())
        for _ in 0..<3 { try await log("INFO a 1\nINFO a 2", run: run, artifact: artifact, hours: 0) }
        try await log("INFO a 3", run: run, artifact: artifact, piece: 1, hours: 0)
        var found = try await patterns.run(run, tenant: tenant)
        let told = try await patterns.patterns(of: run, &found, tenant: tenant)
        #expect(told.map(\.lines) == [3] && found.logs.lines == 3)
        let listed = try await patterns.list(PageRequest(limit: 10, cursor: ""), LogFilter(), by: .lines, scope)
        #expect(listed.items.map(\.lines) == [3] && listed.items.map(\.runs) == [1])
    }

    @Test("words that vary become a hole, also in what was counted before, and an old id leads on")
    func merging() async throws {
        let names = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliet", "kilo", "lima", "mike"]
        var run = ID<Run>.new()
        for (hour, name) in names.enumerated() { run = try await log("ERROR the plugin \(name) was not loaded", hours: Double(hour)) }
        let listed = try await patterns.list(PageRequest(limit: 10, cursor: ""), LogFilter(text: "PLUGIN"), by: .lastSeen, scope)
        #expect(listed.items.count == 1 && listed.items[0].lines == Int64(names.count))
        #expect(listed.items[0].template == "ERROR the plugin <*> was not loaded" && listed.items[0].lastRun == run)
        var scanner = LineScanner()
        scanner.scan("ERROR the plugin golf was not loaded")
        let old = ID<LogPattern>(uuid: scanner.id.uuid)
        #expect(try await patterns.get(old, scope).id == listed.items[0].id)
        #expect(try await patterns.runs(of: old, scope).count == names.count)
        // In the first run as well.
        let last = try await log("ERROR the plugin november was not loaded", hours: 20)
        var found = try await patterns.run(last, tenant: tenant)
        #expect(try await patterns.patterns(of: last, &found, tenant: tenant).map(\.isNew) == [false])
    }

    @Test("nothing is learnt from a run that is not trusted, and its reader sees all of it")
    func untrusted() async throws {
        try await log(Self.calm, hours: 0)
        let run = try await log(Self.calm + "\nERROR evil", hours: 1, lane: .untrusted)
        let listed = try await patterns.list(PageRequest(limit: 10, cursor: ""), LogFilter(), by: .lines, scope)
        #expect(listed.items.map(\.lines) == [2, 1] && !listed.items.contains { $0.template.contains("evil") })
        var found = try await patterns.run(run, tenant: tenant)
        let told = try await patterns.patterns(of: run, &found, tenant: tenant)
        #expect(told.count == 3 && told[0].template == "ERROR evil" && told[0].isNew == true)
    }

    @Test("a project's patterns are listed in three orders, narrowed, read with their days and runs, and forgotten")
    func project() async throws {
        let now = Date()
        let hours = now.timeIntervalSince(start) / 3600
        let run = try await log(Self.calm, hours: hours)
        let project = project.description
        try await serve { client in
            let all = try await client.listLogPatterns(
                .with {
                    $0.project = project
                    $0.sort = .lines
                    $0.limit = 1
                })
            #expect(all.data.count == 1 && all.page.hasMore_p && all.data[0].lines == 2 && all.data[0].lastRun == run.description)
            #expect(all.data[0].sample.hasPrefix("10:00:00 INFO request 1"))
            let rest = try await client.listLogPatterns(
                .with {
                    $0.project = project
                    $0.sort = .lines
                    $0.cursor = all.page.nextCursor
                })
            #expect(rest.data.map(\.level) == [.warn] && !rest.page.hasMore_p)
            let one = try await client.listLogPatterns(.with { ($0.project, $0.sort, $0.limit) = (project, .id, 1) })
            let other = try await client.listLogPatterns(.with { ($0.project, $0.sort, $0.cursor) = (project, .id, one.page.nextCursor) })
            #expect(Set((one.data + other.data).map(\.id)) == Set((all.data + rest.data).map(\.id)) && one.data.count == 1 && other.data.count == 1)
            let history = try await client.getLogPattern(
                .with {
                    $0.project = project
                    $0.pattern = all.data[0].id
                })
            #expect(history.pattern == all.data[0] && history.days.map(\.lines) == [2] && history.recentRuns.map(\.run) == [run.description])
            let unknown = try await InProcess.fault {
                try await client.getLogPattern(
                    .with {
                        $0.project = project
                        $0.pattern = ID<LogPattern>.new().description
                    })
            }
            #expect(unknown.code == "log_pattern.not_found")
        }
        try await forget(before: now.addingTimeInterval(-3600))
        #expect(try await patterns.list(PageRequest(limit: 10, cursor: ""), LogFilter(), by: .lines, scope).items.count == 2)
        try await forget(before: now.addingTimeInterval(3600))
        #expect(try await patterns.list(PageRequest(limit: 10, cursor: ""), LogFilter(), by: .lines, scope).items.isEmpty)
        var found = try await patterns.run(run, tenant: tenant)
        #expect(try await patterns.patterns(of: run, &found, tenant: tenant).isEmpty && found.logs.lines == 0)
    }

    private func forget(before time: Date) async throws {
        while try await patterns.forgetRuns(before: time, scope) {}
        while try await patterns.forgetDays(before: time, scope) {}
        try await patterns.forgetPatterns(before: time, scope)
    }

    @Test("a pattern that is still seen keeps its id and what leads to it, and has a sample")
    func remembered() async throws {
        // Six words at one place make it a variable.
        let names = ["alice", "bob", "carol", "dave", "erin", "frank"]
        try await log(names.map { "the session of user \($0) was closed too early" }.joined(separator: "\n"), hours: 0)
        let all = { try await patterns.list(PageRequest(limit: 10, cursor: ""), LogFilter(), by: .lines, scope).items }
        let pattern = try #require(try await all().first)
        #expect(pattern.lines == 6)
        try await log("the session of user grace was closed too early", hours: 100)
        try await forget(before: start.addingTimeInterval(50 * 3600))
        let kept = try await all()
        #expect(kept.map(\.id) == [pattern.id] && kept[0].lines == 7 && kept[0].sample.hasPrefix("the session of user"))
        try await forget(before: start.addingTimeInterval(200 * 3600))
        #expect(try await all().isEmpty)
    }

    @Test(
        "thousands of lines of one length are learnt quickly, and when a project is full what one run alone has had makes room",
        .timeLimit(.minutes(2)))
    func full() async throws {
        let lines = Self.different
        let runs = LogBounds.signatures / 1000 + 1
        for run in 0..<runs { try await log(lines(run * 1000..<(run + 1) * 1000).joined(separator: "\n"), hours: Double(run)) }
        let count = try await database.one(.tenant(tenant), "select count(*) as n from log_signatures") { try $0.value("n", as: Int.self) }
        #expect(count == LogBounds.signatures)
        let texts = Set(try await database.rows(.tenant(tenant), "select text from log_signatures") { try $0.value("text", as: String.self) })
        #expect(texts.isSuperset(of: lines(1000..<runs * 1000)), "what was seen longest ago makes room")
        #expect(texts.intersection(lines(0..<1000)).count == LogBounds.signatures - (runs - 1) * 1000)
        // What is seen again stays, and what no run has kept goes as well.
        let old = Array(texts.intersection(lines(0..<1000)))
        let next = lines(1000..<2000)
        try await database.execute(.tenant(tenant), "update log_signatures set runs = 0 where text = any(\(next))")
        let clock = ContinuousClock()
        let elapsed = try await clock.measure { try await log((old + ["one more line"]).joined(separator: "\n"), hours: 100) }
        #expect(elapsed < .seconds(8), "\(elapsed)")
        func stored(_ texts: [String], runs: Int64) async throws -> Int {
            try await database.one(
                .tenant(tenant), "select count(*) as n from log_signatures where text = any(\(texts)) and runs = \(runs)"
            ) { try $0.value("n", as: Int.self) }
        }
        #expect(try await stored(old, runs: 2) == old.count)
        #expect(try await stored(next, runs: 0) == 999)
        let after = try await database.one(.tenant(tenant), "select count(*) as n from log_signatures") { try $0.value("n", as: Int.self) }
        #expect(after == LogBounds.signatures)
    }

    /// Lines of which each has a signature of its own.
    private static func different(_ numbers: Range<Int>) -> [String] {
        numbers.map { number in
            let word = String(String(number, radix: 4).map { ["a", "b", "c", "d"][Int(String($0)) ?? 0] })
            return "al\(word) be\(word) ga\(word)"
        }
    }

    /// What a run's reader sees.
    private func read(_ run: ID<Run>) async throws -> (patterns: [RunLogPattern], logs: RunLogs) {
        var found = try await patterns.run(run, tenant: tenant)
        let told = try await patterns.patterns(of: run, &found, tenant: tenant)
        return (told, found.logs)
    }

    @Test("a run teaches nothing but what it keeps, and what is held against one that said more is new by what the project knows")
    func teaching() async throws {
        let usual = Self.different(0..<900)
        try await log(usual.joined(separator: "\n"), hours: 0)
        let run = try await log((usual + usual + Self.different(900..<1500)).joined(separator: "\n"), hours: 1)
        let full = try await read(run)
        #expect(full.logs.lines == 2400 && full.logs.otherLines == 500 && !full.logs.comparedInPart)
        let runs = try await database.rows(.tenant(tenant), "select runs from log_signatures") { try $0.value("runs", as: Int64.self) }
        #expect(runs.count == 1000 && runs.count(where: { $0 == 1 }) == 100 && runs.count(where: { $0 == 2 }) == 900)
        let next = try await read(log("ERROR nobody ever said so much of it", hours: 2, passed: false))
        #expect(next.logs.comparedInPart && next.patterns.map(\.isNew) == [true])
    }

    @Test("lines without words, and those of a key, are not missed, so that a failure is new until the log of a passed run says it")
    func wordless() async throws {
        let key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpQIBAAKCAQEAyR0Zf3bq8wVtX1uM\n-----END RSA PRIVATE KEY-----"
        let calm = Self.calm + "\n{\n}\n----------\n" + key
        for hour in 0..<3 { try await log(calm, hours: Double(hour)) }
        for hour in 3..<5 {
            let run = try await log(calm + "\n10:00:03 ERROR connection refused", hours: Double(hour), passed: false)
            let told = try await read(run)
            #expect(told.logs.lines == 10 && told.logs.otherLines == 0 && !told.logs.comparedInPart)
            let first = try #require(told.patterns.first)
            #expect(first.level == .error && first.isNew == true && first.rank == 0)
        }
        let project = project.description
        try await serve { client in
            let answer = try await client.analyseLog(
                .with {
                    $0.project = project
                    $0.text = "{\nERROR connection refused\n}\n-----"
                })
            #expect(answer.lines == 4 && answer.otherLines == 0 && answer.data.map(\.lines) == [1])
        }
    }

    @Test("a run says which of its patterns the project has, too: those can be read there, and no others")
    func known() async throws {
        let trusted = try await log(Self.calm, hours: 0)
        let stranger = try await log(Self.calm + "\nERROR evil", hours: 1, lane: .untrusted)
        #expect(try await read(stranger).patterns.filter { !$0.isKnown }.map(\.template) == ["ERROR evil"])
        let late = try await log("INFO goodbye", hours: 9)
        try await patterns.forgetPatterns(before: start.addingTimeInterval(5 * 3600), scope)
        let forgotten = try await read(trusted).patterns
        #expect(forgotten.count == 2 && forgotten.allSatisfy { !$0.isKnown })
        for pattern in forgotten {
            #expect(try await InProcess.fault { try await patterns.get(pattern.id, scope) }.kind == .notFound)
        }
        let kept = try #require(try await read(late).patterns.first)
        #expect(kept.isKnown)
        #expect(try await patterns.get(kept.id, scope).id == kept.id)
        try await serve { client in
            let (old, new) = (
                try await client.listRunLogPatterns(.with { $0.run = trusted.description }),
                try await client.listRunLogPatterns(.with { $0.run = late.description })
            )
            #expect(old.data.allSatisfy { $0.hasKnown && !$0.known } && new.data.map(\.known) == [true])
            #expect(new.logs.hasComparedInPart && !new.logs.comparedInPart)
        }
    }

    @Test("a text is analysed by what the project knows, and leaves nothing")
    func analyse() async throws {
        try await log(Self.calm, hours: 0)
        let project = project.description
        try await serve { client in
            let answer = try await client.analyseLog(
                .with {
                    $0.project = project
                    $0.text = "10:00:07 INFO request 9 took 1 ms\nERROR connection refused\nERROR connection refused"
                })
            #expect(answer.lines == 3 && answer.otherLines == 0 && answer.data.map(\.lines) == [2, 1])
            #expect(answer.data[0].pattern.isEmpty && answer.data[0].category == .network && answer.data[1].pattern.hasPrefix("lpt_"))
            let large = try await InProcess.fault {
                try await client.analyseLog(
                    .with {
                        $0.project = project
                        $0.text = String(repeating: "x", count: LogBounds.text + 1)
                    })
            }
            #expect(large.kind == .invalid)
        }
        #expect(try await patterns.list(PageRequest(limit: 10, cursor: ""), LogFilter(), by: .lines, scope).items.count == 2)
    }

    @Test("more patterns than a run keeps are counted together, and what says that something is wrong stays")
    func bounds() async throws {
        // Lines that nothing puts together: each has another number of words.
        let words = (0..<1200).map { number in "w\(String(number, radix: 4).map { ["a", "b", "c", "d"][Int(String($0)) ?? 0] }.joined()) x" }
        let lines = words.enumerated().map { "\($1) " + String(repeating: "y ", count: $0 % 100) } + ["ERROR the end"]
        let run = try await log(lines.joined(separator: "\n"), hours: 0)
        var found = try await patterns.run(run, tenant: tenant)
        let told = try await patterns.patterns(of: run, &found, tenant: tenant)
        #expect(found.logs.lines == 1201 && found.logs.otherLines == 201)
        #expect(told.reduce(0) { $0 + $1.lines } == 1000 && told[0].level == .error)
    }

    @Test("who may not use a project, and another organization, learns nothing")
    func tenancy() async throws {
        let run = try await log(Self.calm, hours: 0)
        let project = project.description
        let code = try await serve(projects: [UUID()]) { client in
            let codes = [
                try await InProcess.fault { try await client.listRunLogPatterns(.with { $0.run = run.description }) }.kind,
                try await InProcess.fault { try await client.listLogPatterns(.with { $0.project = project }) }.kind,
            ]
            return codes
        }
        #expect(code == [.notFound, .notFound])
        #expect(try await InProcess.fault { try await patterns.run(run, tenant: .new()) }.kind == .notFound)
        #expect(try await InProcess.fault { try await patterns.run(.new(), tenant: tenant) }.code == "validation.not_found")
    }
}
