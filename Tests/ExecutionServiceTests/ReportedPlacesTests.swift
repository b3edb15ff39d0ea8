import AnalyticsAPI
import Foundation
import Jobs
import Primitives
import Synchronization
import TestSupport
import Testing

@testable import ExecutionService

@Suite("where results were carried out")
struct ReportedPlacesTests {
    @Test("a result's machine is that of its suite, else of an outer suite, else the upload's tag says; localhost is none")
    func hosts() throws {
        let xml = """
            <testsuites>
              <testsuite name="a" hostname="runner-1"><testcase name="1"/><testsuite name="in"><testcase name="2"/></testsuite></testsuite>
              <testsuite name="b" hostname="runner-2"><testcase name="3"/></testsuite>
              <testsuite name="c" hostname="localhost"><testcase name="4"/></testsuite>
              <testsuite name="d"><testcase name="5"/></testsuite>
            </testsuites>
            """
        func hosts(_ tags: [String: String]) throws -> [String] {
            let reader = UploadReader(project: .new(), places: ReportedPlaces(tags: tags), now: Report.now)
            try reader.take(.file(name: "r.xml", encoding: ""))
            try reader.take(.data(Data(xml.utf8)))
            try reader.take(.end)
            try reader.finish()
            #expect(reader.batch.results.ids.map { ResultIDs.index(of: ID(uuid: $0)) } == Array(0..<5))
            #expect(reader.places.zone == tags["zone"] ?? "")
            let stored = try JSONDecoder().decode(ReportedPlaces.self, from: JSONEncoder().encode(reader.places))
            return (0..<5).map { stored.host(at: $0) }
        }
        #expect(try hosts([:]) == ["runner-1", "runner-1", "runner-2", "", ""])
        #expect(try hosts(["host": "pool", "zone": "eu-1"]) == ["runner-1", "runner-1", "runner-2", "pool", "pool"])
    }

    @Test("a TRX file names the computer of each result")
    func trx() throws {
        let xml = """
            <TestRun><Results><UnitTestResult testId="1" testName="a" outcome="Passed" computerName="WIN-7"/></Results>
            <TestDefinitions><UnitTest id="1"><TestMethod className="C" codeBase="c.dll"/></UnitTest></TestDefinitions></TestRun>
            """
        #expect(try Report.read(Data(xml.utf8), as: .trx).cases.map(\.host) == ["WIN-7"])
    }

    @Test("an upload of more machines than are kept forgets those at its end, and names no wrong one")
    func many() {
        var places = ReportedPlaces()
        for index in 0..<ReportedPlaces.most + 50 { places.note("host \(index)", at: index) }
        #expect(places.spans.count == ReportedPlaces.most + 1)
        #expect(places.host(at: 998) == "host 998" && places.host(at: ReportedPlaces.most - 1) == "host 999")
        #expect(places.host(at: ReportedPlaces.most) == "" && places.host(at: 5_000) == "")
        #expect(ReportedPlaces().host(at: 0) == "" && ReportedPlaces().isEmpty)
    }

    @Test("Analytics hears of machines and of the zone", .database(ExecutionProgram.schema, JobSchema.schema))
    func published() async throws {
        let world = PublishTests.World(fixture: UploadFixture())
        let xml = """
            <testsuites><testsuite name="a" hostname="runner-1"><testcase name="1"/><testcase name="2"/></testsuite>
            <testsuite name="b" hostname="runner-2"><testcase name="3"/></testsuite></testsuites>
            """
        _ = try await world.fixture.upload(Data(xml.utf8), tags: ["zone": "eu-1"])
        try await world.work { try await eventually(within: .seconds(20)) { try await world.settled() } }
        let facts = world.analytics.facts.withLock { $0 }
        #expect(facts.map(\.zone) == ["eu-1"])
        #expect(facts.flatMap(\.facts).map(\.host) == ["runner-1", "runner-1", "runner-2"])
    }
}
