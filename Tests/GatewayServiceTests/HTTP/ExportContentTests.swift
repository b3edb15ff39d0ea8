import Contract
import Foundation
import Synchronization
import TestSupport
import Testing
import ValidationAPI

@testable import GatewayService

@Suite("What exports hold", .database(GatewayProgram.schema))
struct ExportContentTests {
    private static let document = """
        {"components":{"schemas":{
          "Row":{"properties":{
            "name":{"type":"string"},"count":{"type":"integer"},"ratio":{"type":"number"},"done":{"type":"boolean"},
            "at":{"type":"string","format":"date-time"},"delta":{"type":"integer"},"state":{"$ref":"#/components/schemas/State"},
            "tags":{"type":"array","items":{"type":"string"}},"inner":{"$ref":"#/components/schemas/Inner","description":"Of it."},
            "parts":{"type":"array","items":{"$ref":"#/components/schemas/Inner"}},
            "named":{"type":"object","additionalProperties":{"$ref":"#/components/schemas/Inner"}}},
            "x-assay-optional":["at","delta","inner"]},
          "Inner":{"properties":{"passed":{"type":"integer"}}},
          "State":{"type":"string","enum":["GOOD"]}}}}
        """

    @Test(
        "0, false and an empty text of what is never absent are written, also within; what can be absent, enums, lists and maps stay as they are",
        arguments: [
            ("{}", #"{"name":"","count":0,"ratio":0,"done":false}"#),
            (#"{"delta":0,"at":"x"}"#, #"{"name":"","count":0,"ratio":0,"done":false,"at":"x","delta":0}"#),
            (
                #"{"name":"n","count":3,"ratio":0.5,"done":true,"state":"GOOD","tags":["a"],"inner":{}}"#,
                #"{"name":"n","count":3,"ratio":0.5,"done":true,"state":"GOOD","tags":["a"],"inner":{"passed":0}}"#
            ),
            (
                #"{"done":true,"name":"n","parts":[{},{"passed":2}],"named":{"a":{}},"later":1}"#,
                #"{"name":"n","count":0,"ratio":0,"done":true,"parts":[{"passed":0},{"passed":2}],"named":{"a":{"passed":0}},"later":1}"#
            ),
        ])
    func zeros(given: String, filled: String) throws {
        let zeros = ExportZeros(try OrderedJSON(Data(Self.document.utf8)))
        #expect(zeros.filled(try OrderedJSON(Data(given.utf8)), as: "Row").line == filled)
        #expect(zeros.filled(try OrderedJSON(Data(given.utf8)), as: "State").line == given)
    }

    @Test("a table and lines tell what is 0 or false from what is not known; JSON answers leave both out as ever")
    func known() async throws {
        try await GatewayStand.with { stand in
            stand.fake.failureGroups.add("grp_1", says: "warehouse refused")
            let path = "/projects/web/failure-groups"
            let line = try OrderedJSON(Data(try await stand.api.get(path + "?export=ndjson").text.utf8))
            #expect(line["state_edition"]?.word == "0" && line["owner"]?.text == "" && line["signatures"] == nil && line["overruled"] == nil)
            #expect(line["failures"]?.word == "1" && line["resolution"] == nil && line["regression_commit_since"] == nil)
            #expect(line["judged_category"] == nil)
            let table = try await stand.api.get(path + "?export=csv").text.components(separatedBy: "\r\n")
            let cells = table.map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
            try #require(cells.count == 3 && cells[0].count == cells[1].count, "\(table)")
            let row = Dictionary(zip(cells[0], cells[1])) { first, _ in first }
            #expect(row["state_edition"] == "0" && row["signatures"] == "" && row["overruled"] == "" && row["failures"] == "1")
            #expect(row["regression_commit_since"] == "" && row["judged_category"] == "")
            let page = try await stand.api.get(path + "?limit=10")
            #expect(page["data.0.failures"] as? Int == 1 && !page.text.contains("state_edition") && !page.text.contains("\"owner\""))
        }
    }

    @Test("the whole of a list that moves is read in an order by id, unless the request names one, is a page, or goes on behind a cursor")
    func order() async throws {
        try await GatewayStand.with { stand in
            let groups = stand.fake.failureGroups
            for number in 0..<250 { groups.add("grp_\(number)", says: "no \(number)") }
            func sorts(_ query: String) async throws -> [PBFailureGroupSort.Value] {
                groups.state.withLock { $0.listed = [] }
                let answer = try await stand.api.get("/projects/web/failure-groups?\(query)")
                #expect(answer.status == 200, "\(query): \(answer.text)")
                return groups.state.withLock { $0.listed.map(\.sort) }
            }
            #expect(try await sorts("export=csv") == [.id, .id])
            #expect(try await sorts("export=ndjson&owner=") == [.id, .id])
            #expect(try await sorts("export=csv&sort=FAILURES") == [.failures, .failures])
            #expect(try await sorts("export=csv&limit=2") == [.failureGroupSortUnspecified])
            #expect(try await sorts("limit=2") == [.failureGroupSortUnspecified])
            let page = try await stand.api.get("/projects/web/failure-groups?limit=200")
            let cursor = try #require(page["page.next_cursor"] as? String)
            #expect(try await sorts("export=csv&cursor=\(cursor)") == [.failureGroupSortUnspecified])
        }
    }

    @Test("lists that results move have an order by id")
    func still() {
        let still = GatewayProgram.routes.filter { route in
            route.fields.contains { field in
                guard field.name == "sort", case .choice(let names) = field.kind else { return false }
                return names.contains("ID")
            }
        }.map { $0.path.description.split(separator: "/").last ?? "" }
        let moving = ["tests", "flaky-tests", "test-grid", "failure-groups", "log-patterns", "environment-incidents", "trend-values"]
        #expect(Set(still).isSuperset(of: moving.map { $0[...] }), "\(still)")
    }

    @Test("a comparison, which every delivery orders anew, is exported by the tests' ids")
    func comparison() throws {
        let route = try #require(GatewayProgram.routes.first { $0.path.description == "/api/v1/projects/{project}/comparison" })
        let orders = route.fields.compactMap { field -> [String]? in
            guard field.name == "sort", field.place == .query, case .choice(let names) = field.kind else { return nil }
            return names
        }
        #expect(orders.count == 1 && orders[0].contains("ID") && orders[0].contains("SURENESS"), "\(orders)")
    }
}
