import AnalyticsAPI
import Foundation
import Jobs
import Primitives
import ServiceKit
import SwiftProtobuf
import TestSupport
import Testing

@testable import AnalyticsService

@Suite("what is to be expected of tests", .database(AnalyticsProgram.schema, JobSchema.schema))
struct OutlookTests {
    let tenant = ID<Tenant>.new()
    let project = ID<Project>.new()
    let began = Date(timeIntervalSince1970: 1_790_000_000)

    /// `p`assed, `f`ailed, one run a minute.
    private func send(_ history: String, of test: ID<AnalyticsService.Test>, branch: String = "main", from start: Int = 0) async throws {
        let database = TestDatabase.current.database
        let facts = FactStore(database: database, stabilities: StabilityStore(database: database))
        for (index, letter) in history.enumerated() {
            try await facts.insert(
                FactBatch(
                    project: project, run: .new(), event: UUID().uuidString, branch: branch, commit: "\(branch)-\(start + index)",
                    startedAt: began + Double(start + index) * 60,
                    facts: [
                        Fact(
                            result: .new(), test: test, suiteName: "s", className: "c", name: "n", outcome: letter == "p" ? .passed : .failed,
                            duration: 1)
                    ]),
                tenant: tenant)
        }
    }

    private func ask(_ tests: [ID<AnalyticsService.Test>], branch: String = "main", minute: Int, project other: ID<Project>? = nil) async throws
        -> PBListTestOutlooksResponse
    {
        let database = TestDatabase.current.database
        let rpc = OutlooksRPC(
            tests: TestStore(database: database), stabilities: StabilityStore(database: database), quarantines: QuarantineStore(database: database))
        return try await InProcess.serve([rpc], rules: AnalyticsContract.rules, as: .service("execution", tenant: tenant)) { client in
            try await PBOutlooks.Client(wrapping: client).listTestOutlooks(
                .with {
                    $0.project = (other ?? project).description
                    $0.tests = tests.map(\.description)
                    $0.branch = branch
                    $0.before = .init(milliseconds: began + Double(minute) * 60)
                })
        }
    }

    @Test("the run in which a test has just failed does not count: what failed before it does")
    func before() async throws {
        let test = ID<AnalyticsService.Test>.new()
        try await send("pppff", of: test)
        #expect(try await ask([test], minute: 4).data.first?.failingSince.date == began + 180)
        let first = try await ask([test], minute: 3)
        #expect(first.data.count == 1 && first.data.first?.hasFailingSince == false)
        #expect(try await ask([.new(), test], minute: 4).data.map(\.test) == [test.description])
        #expect(try await ask([test], minute: 4, project: .new()).data.isEmpty)
    }

    @Test("a branch on which the test never ran has what is known of it elsewhere")
    func branches() async throws {
        let broken = ID<AnalyticsService.Test>.new()
        try await send("pff", of: broken)
        try await send("f", of: broken, branch: "topic", from: 5)
        #expect(try await ask([broken], branch: "topic", minute: 5).data.first?.failingSince.date == began + 60)
        // It passed on the branch before.
        let mended = ID<AnalyticsService.Test>.new()
        try await send("pff", of: mended)
        try await send("pf", of: mended, branch: "topic", from: 5)
        #expect(try await ask([mended], branch: "topic", minute: 6).data.first?.hasFailingSince == false)
    }

    @Test("a flaky test is told apart, and a person's word stands above")
    func kinds() async throws {
        let test = ID<AnalyticsService.Test>.new()
        try await send("pfppfpppfppfpp", of: test)
        #expect(try await ask([test], minute: 20).data.first?.stability.kind == .flaky)
        _ = try await TestVerdictStore(database: TestDatabase.current.database).put(
            .broken, reason: "it is", on: test, version: 0, by: "usr_a", tenant: tenant)
        let said = try await ask([test], minute: 20).data.first
        #expect(said?.stability.kind == .broken && said?.stability.judgedKind == .flaky)
        let fault = try await InProcess.fault { _ = try await ask((0...500).map { _ in .new() }, minute: 1) }
        #expect(fault.fields.first?.pointer == "/tests")
    }
}
