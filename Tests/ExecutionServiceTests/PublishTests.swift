import AnalyticsAPI
import CommonAPI
import ExecutionAPI
import Foundation
import GRPCCore
import Jobs
import NotificationsAPI
import Postgres
import Primitives
import ServiceKit
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing
import ValidationAPI

@testable import ExecutionService

/// A runner takes the jobs of all tenants, so each test has a database of its own.
@Suite("publishing")
struct PublishTests {
    /// The three receivers; they remember what came, in order.
    final class Receivers: ValidationAPI.PBIntake.SimpleServiceProtocol {
        let failures = Mutex<[PBSubmitFailuresRequest]>([])
        let completed = Mutex<[PBCompleteRunRequest]>([])
        let aliases = Mutex<[ValidationAPI.PBSubmitAliasRequest]>([])
        /// The next call about an alias lands behind the one after it.
        let isOvertaken = Atomic(false)
        /// What Validation heard, by name of the call.
        let order = Mutex<[String]>([])
        /// Calls that fail before the first one succeeds.
        let refusals = Atomic(0)

        func submitFailures(request: PBSubmitFailuresRequest, context: ServerContext) async throws -> PBEmpty {
            if refusals.load(ordering: .relaxed) > 0 {
                refusals.subtract(1, ordering: .relaxed)
                throw Fault.unavailable("test.down", "not now", retryAfter: .milliseconds(10))
            }
            failures.withLock { $0.append(request) }
            order.withLock { $0.append("failures") }
            return PBEmpty()
        }

        func completeRun(request: PBCompleteRunRequest, context: ServerContext) async throws -> PBEmpty {
            completed.withLock { $0.append(request) }
            order.withLock { $0.append("complete") }
            return PBEmpty()
        }

        func submitAlias(request: ValidationAPI.PBSubmitAliasRequest, context: ServerContext) async throws -> PBEmpty {
            if isOvertaken.exchange(false, ordering: .relaxed) { try await eventually(within: .seconds(8)) { aliases.withLock { !$0.isEmpty } } }
            aliases.withLock { $0.append(request) }
            return PBEmpty()
        }
    }

    final class Facts: AnalyticsAPI.PBIntake.SimpleServiceProtocol {
        let facts = Mutex<[PBSubmitFactsRequest]>([])
        let runs = Mutex<[PBSubmitRunRequest]>([])
        let aliases = Mutex<[AnalyticsAPI.PBSubmitAliasRequest]>([])
        /// The next call about an alias lands behind the one after it.
        let isOvertaken = Atomic(false)
        /// What was left to join tests, of each call.
        let left = Mutex<[Duration?]>([])

        func submitMessages(request: PBSubmitMessagesRequest, context: ServerContext) async throws -> PBEmpty { PBEmpty() }
        func submitFailureVerdicts(request: PBSubmitFailureVerdictsRequest, context: ServerContext) async throws -> PBEmpty { PBEmpty() }

        func submitAlias(request: AnalyticsAPI.PBSubmitAliasRequest, context: ServerContext) async throws -> PBEmpty {
            if isOvertaken.exchange(false, ordering: .relaxed) { try await eventually(within: .seconds(8)) { aliases.withLock { !$0.isEmpty } } }
            aliases.withLock { $0.append(request) }
            left.withLock { $0.append(CallContext.current?.deadline.map { ContinuousClock.now.duration(to: $0) }) }
            return PBEmpty()
        }

        func submitFacts(request: PBSubmitFactsRequest, context: ServerContext) async throws -> PBEmpty {
            facts.withLock { $0.append(request) }
            return PBEmpty()
        }

        func submitRun(request: PBSubmitRunRequest, context: ServerContext) async throws -> PBEmpty {
            runs.withLock { $0.append(request) }
            return PBEmpty()
        }
    }

    final class Events: NotificationsAPI.PBIntake.SimpleServiceProtocol {
        let events = Mutex<[PBSubmitEventRequest]>([])

        func submitEvent(request: PBSubmitEventRequest, context: ServerContext) async throws -> PBEmpty {
            events.withLock { $0.append(request) }
            return PBEmpty()
        }
    }

    /// What is in quarantine, while Analytics can be asked.
    final class Held: PBQuarantinedTests.SimpleServiceProtocol {
        let tests = Mutex<[String]>([])
        /// By which, as a release says that keeps versions.
        let entries = Mutex<[PBQuarantineInForce]>([])
        let moment = Mutex<Date?>(nil)
        let refusals = Atomic(0)

        func listQuarantinedTests(request: PBListQuarantinedTestsRequest, context: ServerContext) async throws -> PBListQuarantinedTestsResponse {
            if refusals.load(ordering: .relaxed) > 0 {
                refusals.subtract(1, ordering: .relaxed)
                throw Fault.unavailable("test.down", "not now", retryAfter: .milliseconds(10))
            }
            let data = entries.withLock { $0 }
            let alone = tests.withLock { $0 }
            let at = moment.withLock { $0 }
            return .with {
                $0.tests = alone + data.map(\.test)
                $0.data = data
                if let at { $0.at = .init(milliseconds: at) }
            }
        }
    }

    struct World: Sendable {
        let fixture: UploadFixture
        let held = Held()
        let baselines = KnownBaselines()
        let validation = Receivers()
        let analytics = Facts()
        let notifications = Events()

        /// Runs the jobs of this database while `body` runs.
        func work<R: Sendable>(_ body: () async throws -> R) async throws -> R {
            let caller = Caller.service("execution", tenant: fixture.tenant)
            let others: [any RegistrableRPCService] = [validation, analytics, notifications, held, baselines, KnownFailures()]
            return try await InProcess.serve(others, as: caller, signedBy: "execution") { client in
                let batch = PublishBatch(
                    runs: fixture.runs, results: fixture.results, uploads: fixture.uploads,
                    validation: ValidationAPI.PBIntake.Client(wrapping: client),
                    analytics: AnalyticsAPI.PBIntake.Client(wrapping: client))
                let run = PublishRun(
                    runs: fixture.runs, results: fixture.results,
                    quarantine: Quarantine(
                        failures: QuarantinedFailureStore(database: fixture.database), analytics: PBQuarantinedTests.Client(wrapping: client)),
                    judge: fixture.judge(client),
                    validation: ValidationAPI.PBIntake.Client(wrapping: client), analytics: AnalyticsAPI.PBIntake.Client(wrapping: client),
                    notifications: NotificationsAPI.PBIntake.Client(wrapping: client))
                let alias = PublishAlias(aliases: fixture.aliases, analytics: AnalyticsAPI.PBIntake.Client(wrapping: client))
                let groups = PublishAliasToGroups(aliases: fixture.aliases, validation: ValidationAPI.PBIntake.Client(wrapping: client))
                let configuration = try DatabaseConfiguration(url: TestDatabase.current.appURL, searchPath: ExecutionProgram.name)
                let listener = Listener(configuration, logger: .silent)
                listener.start()
                defer { listener.stop() }
                let runner = JobRunner(
                    database: fixture.database, listener: listener, handlers: [batch, run, alias, groups, CloseQuietRun(runs: fixture.runs)],
                    around: { job, work in try await Caller.with(.service("execution", tenant: job.tenant), operation: work) }, logger: .silent)
                return try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await runner.run() }
                    defer { group.cancelAll() }
                    return try await body()
                }
            }
        }

        func settled() async throws -> Bool { try await fixture.count("jobs") == 0 }
    }

    @Test(
        "failures go to Validation before it hears that the run is complete, facts to Analytics, the end to Notifications",
        .database(ExecutionProgram.schema, JobSchema.schema))
    func upload() async throws {
        let world = World(fixture: UploadFixture())
        let receipt = try await world.fixture.upload(Report.generated(12_345))
        world.validation.refusals.store(2, ordering: .relaxed)
        try await world.work { try await eventually(within: .seconds(20)) { try await world.settled() } }
        let run = try await world.fixture.run(receipt.upload.run)

        let failures = world.validation.failures.withLock { $0 }
        #expect(failures.flatMap(\.results).map(\.message) == stride(from: 99, to: 12_345, by: 100).map { "expected \($0)" })
        #expect(
            failures.allSatisfy { $0.batch == receipt.upload.id.description && $0.run == run.id.description && $0.project == run.project.description }
        )
        #expect(failures.first?.results.first?.trace == "at line 99" && failures.first?.results.first?.type == "AssertionError")
        #expect(world.validation.order.withLock { $0 }.last == "complete")
        let completed = world.validation.completed.withLock { $0 }
        #expect(completed.map(\.counts) == [PBCounts(run.counts)])
        #expect(completed.map(\.branch) == ["main"] && completed.map(\.environment) == ["ci"] && completed.map(\.isWhole) == [true])

        let facts = world.analytics.facts.withLock { $0 }.sorted { $0.sequence < $1.sequence }
        #expect(facts.map(\.sequence) == [0, 1, 2] && facts.map(\.facts.count) == [5000, 5000, 2345])
        #expect(facts.flatMap(\.facts).map(\.name) == (0..<12_345).map { "test number \($0)" })
        #expect(facts.first?.branch == "main" && facts.first?.commitSha == "c0ffee" && facts.first?.environment == "ci")
        #expect(facts.first?.facts.first?.durationUs == 10_000)
        #expect(world.analytics.runs.withLock { $0 }.map(\.passed) == [false])

        let events = world.notifications.events.withLock { $0 }
        #expect(events.map(\.type) == ["run.finished"])
        #expect(events.first?.data.fields["state"]?.stringValue == "FAILED")
        #expect(events.first?.data.fields["counts"]?.structValue.fields["total"]?.numberValue == 12_345)
        // Of 123 failures, which is fewer than are told of.
        #expect(events.first?.failures.map(\.message) == stride(from: 99, to: 12_345, by: 100).map { "expected \($0)" })
        #expect(events.first?.failures.first?.trace == "at line 99" && events.first?.failures.first?.test.hasSuffix("test number 99") == true)
    }

    @Test(
        "the end of a run says which of its failures are quarantined; when that cannot be found out for long, it says nothing of it",
        .database(ExecutionProgram.schema, JobSchema.schema))
    func quarantined() async throws {
        let world = World(fixture: UploadFixture())
        let report = Data("<testsuite name='s'><testcase name='a'><failure/></testcase><testcase name='b'/></testsuite>".utf8)
        let run = try await world.fixture.upload(report).upload.run
        let failing = try await world.fixture.results.list(
            world.fixture.runs.span(run, tenant: world.fixture.tenant).span, after: nil, troubleOnly: true, textLimit: 0, limit: 10,
            tenant: world.fixture.tenant)
        world.held.tests.withLock { $0 = failing.map(\.test.description) }
        world.held.refusals.store(1, ordering: .relaxed)
        try await world.work { try await eventually(within: .seconds(20)) { try await world.settled() } }
        let told = try #require(world.notifications.events.withLock { $0.first }?.data.fields["quarantined"]?.structValue.fields)
        #expect(told["failing_tests"]?.numberValue == 1 && told["quarantined_tests"]?.numberValue == 1 && told["excused"]?.boolValue == true)
        // Whoever merges by GitHub's check acts on it.
        #expect(try await world.fixture.count("excuses") == 1)

        world.held.refusals.store(PublishRun.quarantineTries + 1, ordering: .relaxed)
        _ = try await world.fixture.upload(report, key: "again", name: "again")
        try await world.work { try await eventually(within: .seconds(20)) { try await world.settled() } }
        let events = world.notifications.events.withLock { $0 }
        #expect(events.count == 2 && events.last?.data.fields["quarantined"] == nil)
    }

    @Test("a job that runs twice says the same twice and changes nothing", .database(ExecutionProgram.schema, JobSchema.schema))
    func twice() async throws {
        let world = World(fixture: UploadFixture())
        let receipt = try await world.fixture.upload(Report.generated(300))
        try await world.work {
            try await eventually { try await world.settled() }
            let before = try await world.fixture.run(receipt.upload.run)
            for receiver in PublishBatch.Receiver.allCases {
                let payload = PublishBatch.Payload(run: before.id, upload: receipt.upload.id, receiver: receiver)
                try await world.fixture.jobs.enqueue(payload, tenant: world.fixture.tenant)
            }
            for receiver in PublishRun.Receiver.allCases {
                let payload = PublishRun.Payload(run: before.id, version: before.version, receiver: receiver)
                try await world.fixture.jobs.enqueue(payload, tenant: world.fixture.tenant)
            }
            try await eventually { try await world.settled() }
            #expect(try await world.fixture.run(receipt.upload.run) == before)
        }
        // The upload's failures were with Validation already.
        #expect(world.validation.failures.withLock { $0 }.count == 1)
        let facts = world.analytics.facts.withLock { $0 }
        #expect(facts.count == 2 && facts.first == facts.last)
        let events = world.notifications.events.withLock { $0 }
        #expect(events.count == 2 && events.first == events.last)
        #expect(Set(world.validation.completed.withLock { $0.map(\.finishedAt) }).count == 1)
    }

    @Test(
        "shards are published as they come; the run when it has been quiet, and again after a late shard",
        .database(ExecutionProgram.schema, JobSchema.schema))
    func keyed() async throws {
        let world = World(fixture: UploadFixture(quiet: .milliseconds(300)))
        try await world.work {
            let ci = Run.CI(key: "build")
            let run = try await world.fixture.upload(Report.generated(100, suite: "a"), ci: ci).upload.run
            try await eventually { try await world.fixture.run(run).state == .failed }
            try await eventually { world.notifications.events.withLock { $0.count } == 1 }
            _ = try await world.fixture.upload(Report.generated(100, suite: "b"), ci: ci)
            try await eventually { try await world.settled() }
            let finished = try await world.fixture.run(run)
            #expect(finished.state == .failed && finished.counts.total == 200 && finished.version == 4)
        }
        let events = world.notifications.events.withLock { $0 }
        #expect(events.count == 2 && Set(events.map(\.id)).count == 2)
        #expect(world.validation.order.withLock { $0 } == ["failures", "complete", "failures", "complete"])
        #expect(world.validation.completed.withLock { $0 }.map(\.counts.total) == [100, 200])
        #expect(world.analytics.facts.withLock { $0 }.map(\.facts.count) == [100, 100])
    }

    @Test(
        "an untrusted run is known as such to Validation and Analytics, and Notifications does not hear of it",
        .database(ExecutionProgram.schema, JobSchema.schema))
    func untrusted() async throws {
        let world = World(fixture: UploadFixture())
        let receipt = try await world.fixture.upload(Report.generated(100), lane: .untrusted)
        _ = try await world.fixture.upload(Report.generated(100))
        try await world.work { try await eventually(within: .seconds(20)) { try await world.settled() } }
        func lanes(_ pairs: [(run: String, lane: PBLane.Value)]) -> [Bool: Set<PBLane.Value>] {
            Dictionary(grouping: pairs) { $0.run == receipt.upload.run.description }.mapValues { Set($0.map(\.lane)) }
        }
        let expected: [Bool: Set<PBLane.Value>] = [true: [.untrusted], false: [.trusted]]
        #expect(lanes(world.validation.failures.withLock { $0.map { ($0.run, $0.lane) } }) == expected)
        #expect(lanes(world.validation.completed.withLock { $0.map { ($0.run, $0.lane) } }) == expected)
        #expect(lanes(world.analytics.facts.withLock { $0.map { ($0.run, $0.lane) } }) == expected)
        #expect(lanes(world.analytics.runs.withLock { $0.map { ($0.run, $0.lane) } }) == expected)
        let events = world.notifications.events.withLock { $0 }
        #expect(events.count == 1 && events.first?.data.fields["run"]?.stringValue != receipt.upload.run.description)
    }

    @Test("long texts never make a call too large", .database(ExecutionProgram.schema, JobSchema.schema))
    func longTexts() async throws {
        let world = World(fixture: UploadFixture())
        let text = String(repeating: "x", count: 60_000)
        let cases = (0..<700).map {
            "<testcase name='\($0)'><failure message='\(text.prefix(9000))'>\(text)</failure><system-err>\(text)</system-err></testcase>"
        }
        _ = try await world.fixture.upload(Data("<testsuite>\(cases.joined())</testsuite>".utf8))
        try await world.work { try await eventually(within: .seconds(20)) { try await world.settled() } }
        let calls = world.validation.failures.withLock { $0 }
        let sizes = try calls.map { try $0.serializedData().count }
        #expect(sizes.allSatisfy { $0 < 4 << 20 })
        #expect(calls.map(\.sequence) == calls.indices.map(Int32.init))
        #expect(calls.flatMap(\.results).map(\.name) == (0..<700).map(String.init))
        #expect(
            calls.flatMap(\.results).allSatisfy { $0.trace.utf8.count == 8192 && $0.systemErr.utf8.count == 8192 && $0.message.utf8.count == 8192 })
    }

    @Test(
        "of long traces and outputs Validation hears the beginning and the end, never with a broken character",
        .database(ExecutionProgram.schema, JobSchema.schema))
    func ends() async throws {
        let world = World(fixture: UploadFixture())
        func long(_ unit: String) -> String { "first " + String(repeating: unit, count: 20_000 / unit.utf8.count) + " last" }
        let texts = ["short", long("x"), long("€"), String(repeating: "ü", count: 4096), String(repeating: "ü", count: 4097)]
        let cases = texts.map {
            "<testcase name='a'><failure>\($0)</failure><system-out>\($0)</system-out><system-err>\($0)</system-err></testcase>"
        }
        _ = try await world.fixture.upload(Data("<testsuite>\(cases.joined())</testsuite>".utf8))
        try await world.work { try await eventually(within: .seconds(20)) { try await world.settled() } }
        let results = world.validation.failures.withLock { $0.flatMap(\.results) }
        #expect(results.count == texts.count)
        for (result, text) in zip(results, texts) {
            let isWhole = text.utf8.count <= PublishBatch.textLimit
            for sent in [result.trace, result.systemErr] {
                #expect(isWhole ? sent == text : sent.utf8.count <= PublishBatch.textLimit && sent.utf8.count > PublishBatch.textLimit - 8)
                let parts = sent.components(separatedBy: "\n…\n")
                #expect(parts.count == (isWhole ? 1 : 2) && text.hasPrefix(parts[0]) && text.hasSuffix(parts.last!))
            }
            #expect(text.hasSuffix(result.systemOut) && (text == result.systemOut || result.systemOut.utf8.count > PublishBatch.endLimit - 4))
            #expect(result.systemOut.utf8.count <= PublishBatch.endLimit)
        }
    }

    @Test(
        "Validation hears whose the tests are that failed: the code owners of their files, and whom reports name",
        .database(ExecutionProgram.schema, JobSchema.schema))
    func owners() async throws {
        let world = World(fixture: UploadFixture())
        _ = try await world.fixture.put(owners: "*.swift @acme/core\n/Checkout/ @acme/shop @ann\n")
        let named = "<properties><property name='owner' value='payments'/><property name='owners' value='x'/></properties>"
        let cases = [
            "<testcase name='a' file='Checkout/Cart.swift'>\(named)<failure/></testcase>",
            "<testcase name='b' file='Sources/A.swift'><failure/></testcase>", "<testcase name='c' file='notes.txt'><failure/></testcase>",
        ]
        _ = try await world.fixture.upload(Data("<testsuite name='s'>\(cases.joined())</testsuite>".utf8))
        try await world.work { try await eventually(within: .seconds(20)) { try await world.settled() } }
        let results = world.validation.failures.withLock { $0.flatMap(\.results) }
        #expect(results.map(\.owners) == [["payments", "@acme/shop", "@ann"], ["@acme/core"], []])
    }

    @Test("Validation hears why a case was not carried out, also when nothing was sent")
    func codes() throws {
        func failed(_ verdict: CaseVerdict, case id: ID<Case>?) -> PBFailedResult {
            var texts = ResultTexts()
            (texts.message, texts.type) = (verdict.message, verdict.type)
            let result = TestResult(
                id: .new(), run: .new(), test: .new(), suiteName: "", className: "", name: "", outcome: verdict.outcome, microseconds: nil,
                file: "", line: nil, startedAt: nil, recordedAt: .now, attempt: 1, caseID: id, tags: [], texts: texts, exchange: verdict.exchange,
                extras: ResultExtras())
            return PBFailedResult(result, textLimit: 100, endLimit: 10)
        }
        let unsent = CaseVerdict(CaseError("unknown_secret", "There is none."), exchange: nil)
        #expect(failed(unsent, case: .new()).errorCode == "unknown_secret" && failed(unsent, case: nil).errorCode.isEmpty)
        let missed = CaseVerdict(outcome: .failed, message: "", type: "assertion", exchange: nil)
        #expect(failed(missed, case: .new()).errorCode.isEmpty)
        let sent = CaseVerdict(CaseError("timeout", ""), exchange: Exchange(method: "GET", url: "http://a"))
        #expect(failed(sent, case: .new()).errorCode == "timeout")
    }
}
