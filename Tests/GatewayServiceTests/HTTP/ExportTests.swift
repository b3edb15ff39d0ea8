import Contract
import Foundation
import Primitives
import TestSupport
import Testing

@testable import GatewayService

@Suite(.database(GatewayProgram.schema))
struct ExportTests {
    @Test(
        "the form is the one that Accept wants most; JSON where nothing says otherwise",
        arguments: [
            (nil, nil), ("", nil), ("*/*", nil), ("application/json", nil), ("text/csv", .csv), ("Text/CSV; charset=utf-8", .csv),
            ("application/x-ndjson", .ndjson), ("text/csv, */*", .csv), ("text/csv, */*;q=0.5", .csv), ("text/csv;q=0.5, application/json", nil),
            ("text/csv, application/json", nil), ("text/*", .csv), ("text/csv;q=0.1, application/x-ndjson;q=0.2", .ndjson), ("text/csv;q=0", nil),
            ("text/html", nil),
        ] as [(String?, ExportFormat?)])
    func negotiation(accept: String?, format: ExportFormat?) {
        #expect(ExportFormat.asked(by: accept) == format)
    }

    @Test(
        "no cell is a formula, and none breaks its row",
        arguments: [
            ("plain", "plain"), ("", ""), ("=1+1", "'=1+1"), ("+49", "'+49"), ("-1", "'-1"), ("@SUM(A1)", "'@SUM(A1)"), ("\tx", "'\tx"),
            ("\rx", "\"'\rx\""), ("\u{0}x", "'\u{0}x"), ("a,b", "\"a,b\""), ("say \"x\"", "\"say \"\"x\"\"\""), ("two\nlines", "\"two\nlines\""),
            ("=HYPERLINK(\"http://x\",\"y\")", "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\""), ("ü=", "ü="),
        ])
    func cells(text: String, cell: String) {
        #expect(CSVText.cell(text: text) == cell)
    }

    @Test("nested fields are columns, lists and maps are JSON, what is absent is empty")
    func rows() throws {
        let columns = ExportColumns(paths: [["id"], ["counts", "passed"], ["tags"], ["delta"], ["note"]])
        let row = try OrderedJSON(Data(#"{"id":"=x","counts":{"passed":3},"tags":["a","b"],"delta":-4}"#.utf8))
        #expect(columns.header == "id,counts.passed,tags,delta,note\r\n")
        #expect(columns.row(row) == "'=x,3,\"[\"\"a\"\",\"\"b\"\"]\",-4,\r\n")
        let values = ExportColumns(paths: [[]])
        #expect(values.header + values.row(.text("=x")) == "value\r\n'=x\r\n")
    }

    @Test("a grid is exported as a row for each test in each run, with the run in full: no cell points at what is not in the file")
    func grid() throws {
        let route = try #require(GatewayProgram.routes.first { $0.path.description.hasSuffix("/test-grid") })
        let columns = try #require(ExportColumns(of: route, in: BundledDocument.json))
        let names = columns.header.dropLast().split(separator: ",").map(String.init)
        #expect(names.starts(with: ["test.id", "test.project", "test.suite_name"]) && !names.contains { $0.hasPrefix("cells") })
        #expect(names.suffix(7) == ["run.run", "run.started_at", "run.branch", "run.commit_sha", "result", "outcome", "duration_us"])
        // A page has columns of its own, and JSON leaves out the first one's number.
        func rows(_ page: String) throws -> [OrderedJSON] { try columns.elements(of: OrderedJSON(Data(page.utf8))) }
        let first = try rows(
            """
            {"runs":[{"run":"run_2","commit_sha":"bb"},{"run":"run_1","commit_sha":"aa"}],"data":[
              {"test":{"id":"tst_1"},"cells":[{"result":"res_1","outcome":"FAILED"},{"run":1,"result":"res_2","outcome":"PASSED","duration_us":5}]},
              {"test":{"id":"tst_2"}}]}
            """)
        let second = try rows(#"{"runs":[{"run":"run_3","commit_sha":"cc"}],"data":[{"test":{"id":"tst_3"},"cells":[{"result":"res_3"}]}]}"#)
        #expect(
            (first + second).map(\.line) == [
                #"{"test":{"id":"tst_1"},"run":{"run":"run_2","commit_sha":"bb"},"result":"res_1","outcome":"FAILED"}"#,
                #"{"test":{"id":"tst_1"},"run":{"run":"run_1","commit_sha":"aa"},"result":"res_2","outcome":"PASSED","duration_us":5}"#,
                #"{"test":{"id":"tst_3"},"run":{"run":"run_3","commit_sha":"cc"},"result":"res_3"}"#,
            ])
        let cells = columns.row(first[1]).dropLast().split(separator: ",", omittingEmptySubsequences: false)
        #expect(cells.count == names.count && cells.first == "tst_1" && cells.suffix(7) == ["run_1", "", "", "aa", "res_2", "PASSED", "5"])
        // A number that points at nothing is no run.
        #expect(try rows(#"{"runs":[],"data":[{"test":{},"cells":[{"run":4,"result":"res_4"}]}]}"#).map(\.line) == [#"{"test":{},"result":"res_4"}"#])
    }

    @Test("an export of a grid goes through all its tests, each page with its own runs")
    func gridPages() async throws {
        try await GatewayStand.with { stand in
            let table = try await stand.api.get("/projects/web/test-grid", headers: ["Accept": "text/csv"])
            let lines = table.text.components(separatedBy: "\r\n").dropLast()
            #expect(table.status == 200 && lines.count == 1 + 3)
            let runs = try lines.dropFirst().map { line in try #require(line.firstMatch(of: /(tst_\d).*,(run_\d),.*,(c\d),res_\d,/)).output }
            #expect(runs.map { [$0.1, $0.2, $0.3] } == [["tst_1", "run_2", "c2"], ["tst_1", "run_1", "c1"], ["tst_2", "run_3", "c3"]])
        }
    }

    @Test("every list of the contract can be exported, and its columns are known")
    func everyList() {
        let lists = GatewayProgram.routes.filter { $0.verb == .get && !$0.responseStreams && $0.lists.contains { $0.name == "data" } }
        #expect(lists.count > 20)
        for route in lists {
            let columns = ExportColumns(of: route, in: BundledDocument.json)
            #expect(columns != nil, "\(route.path)")
            let content = BundledDocument.json["paths"]?[route.path.description]?["get"]?["responses"]?["200"]?["content"]
            #expect(content?.members.map(\.name) == ["application/json", "text/csv", "application/x-ndjson"], "\(route.path)")
        }
    }

    @Test("lists of objects that stand in answers are exported by their names, of whatever asks and changes nothing; the reference says which")
    func everyNamedList() {
        for route in GatewayProgram.routes {
            let operation = BundledDocument.json["paths"]?[route.path.description]?[route.verb.rawValue.lowercased()]
            let names = ExportLists(of: route, in: BundledDocument.json)?.names ?? []
            let parameter = operation?["parameters"]?.elements.first { $0["name"]?.text == ExportLists.parameter }
            let documented = parameter?["schema"]?["enum"]?.elements.compactMap(\.text) ?? []
            #expect(documented == (names.allSatisfy { $0 == ExportLists.paged } ? [] : names), "\(route.path)")
            #expect(!route.fields.contains { $0.name == ExportLists.parameter }, "\(route.path) has a field of that name")
            let content = operation?["responses"]?[String(route.successStatus)]?["content"]
            #expect(names.isEmpty == (content?["text/csv"] == nil), "\(route.path)")
        }
        func names(_ verb: Route.Verb, _ path: String) -> [String] {
            GatewayProgram.routes.first { $0.verb == verb && $0.path.description == "/api/v1" + path }
                .flatMap { ExportLists(of: $0, in: BundledDocument.json)?.names } ?? []
        }
        for (verb, path, expected) in [
            (.get, "/tests/{test}/stability", ["reasons", "lines"]), (.get, "/projects/{project}/log-patterns/{pattern}", ["days", "recent_runs"]),
            (.get, "/results/{result}/failure/receipt", ["neighbours"]), (.get, "/runs/{run}/validation", ["categories"]),
            (.get, "/projects/{project}/test-grid", ["data", "runs"]), (.post, "/projects/{project}/rules:test", ["matches"]),
            (.post, "/projects/{project}/logs:analyse", ["data"]), (.post, "/results/{result}/failure:replay", ["neighbours"]),
        ] as [(Route.Verb, String, Set<String>)] {
            #expect(expected.isSubset(of: names(verb, path)), "\(path): \(names(verb, path))")
        }
        #expect(names(.post, "/keys").isEmpty && names(.post, "/auth/login").isEmpty)
    }

    @Test("a list that is named is that of one answer; JSON has all of them, and a name that is none is refused with those that are")
    func named() async throws {
        try await GatewayStand.with { stand in
            let runs = try await stand.api.get("/projects/web/test-grid?export=csv&list=runs")
            let lines = runs.text.components(separatedBy: "\r\n").dropLast()
            #expect(runs.status == 200 && runs.headers["content-disposition"] == "attachment; filename=\"test-grid-runs.csv\"")
            #expect(lines.map { $0.prefix { $0 != "," } } == ["run", "run_2", "run_1"] && runs.headers["link"] == nil, "\(runs.text)")
            let whole = try await stand.api.get("/projects/web/test-grid?export=csv")
            #expect(try await stand.api.get("/projects/web/test-grid?list=data&export=csv").text == whole.text)
            #expect(try await stand.api.get("/projects/web/test-grid?list=&export=csv").status == 422)
            let json = try await stand.api.get("/projects/web/test-grid?list=runs")
            #expect(json.status == 200 && json["data.0.test.id"] as? String == "tst_1" && json["runs.0.run"] as? String == "run_2")

            // What a question with a body is answered with; where the answer has no `data`, it is the first list.
            for (query, type, count) in [("export=ndjson&list=matches", "ndjson", 25), ("export=csv", "csv", 26)] {
                let draft = ["draft": ["name": "n", "category": "DATA", "pattern": "x"]]
                let matches = try await stand.api.post("/projects/web/rules:test?\(query)", draft)
                #expect(matches.status == 200 && matches.text.split(whereSeparator: \.isNewline).count == count, "\(query): \(matches.text)")
                #expect(matches.headers["content-disposition"] == "attachment; filename=\"rules-test-matches.\(type)\"")
            }
            for (query, status, code) in [
                ("export=csv&list=permissions", 422, "request.invalid"), ("list=keys", 422, "request.invalid"),
                ("list=grants&list=grants&export=csv", 400, "request.duplicate_parameter"),
            ] {
                let answer = try await stand.api.get("/me?\(query)")
                #expect(answer.status == status && answer["code"] as? String == code, "\(query): \(answer.text)")
                #expect(status == 400 || answer.text.contains("list must be grants."))
            }
            // A route without such lists has no parameter of that name.
            #expect(try await stand.api.get("/projects/web?list=data")["code"] as? String == "request.unknown_parameter")
        }
    }

    @Test("an export holds every page of its list, as a table and in lines")
    func wholeList() async throws {
        try await GatewayStand.with { stand in
            for index in 0..<250 { _ = try await stand.makeKey([.resultsRead], name: index == 7 ? "=evil, \"quoted\"" : "key \(index)") }
            let table = try await stand.api.get("/keys", headers: ["Accept": "text/csv"])
            #expect(table.status == 200 && table.headers["content-type"] == "text/csv; charset=utf-8; header=present")
            #expect(table.headers["content-disposition"] == "attachment; filename=\"keys.csv\"")
            let rows = table.text.components(separatedBy: "\r\n").dropLast()
            // The line of names and the stand's own key.
            #expect(rows.count == 252)
            #expect(rows.first?.hasPrefix("id,") == true)
            #expect(rows.contains { $0.contains("\"'=evil, \"\"quoted\"\"\"") })
            let lines = try await stand.api.get("/keys", headers: ["Accept": "application/x-ndjson"])
            let ids = try lines.text.split(separator: "\n").map { try #require(try OrderedJSON(Data($0.utf8))["id"]?.text) }
            #expect(Set(ids).count == 251 && ids.count == 251)
        }
    }

    @Test("with a limit it is so long at most, and says where the list goes on; that cursor holds for every form")
    func limited() async throws {
        try await GatewayStand.with { stand in
            for index in 0..<5 { _ = try await stand.makeKey([.resultsRead], name: "key \(index)") }
            let few = try await stand.api.get("/keys?limit=3", headers: ["Accept": "application/x-ndjson"])
            #expect(few.text.split(separator: "\n").count == 3)
            let link = try #require(few.headers["link"])
            let next = try #require(link.firstMatch(of: /<\/api\/v1(.*)>; rel="next"/)).1
            let rest = try await stand.api.get(String(next), headers: ["Accept": "text/csv"])
            #expect(rest.text.components(separatedBy: "\r\n").count == 1 + 3 + 1)
            let page = try await stand.api.get(String(next))
            #expect(page.status == 200 && page.headers["vary"] == "Accept")
        }
    }

    @Test("a link asks for a form as Accept does, and leaves the rest of its query to the list")
    func link() async throws {
        try await GatewayStand.with { stand in
            for index in 0..<5 { _ = try await stand.makeKey([.resultsRead], name: "key \(index)") }
            for (query, type, rows) in [
                ("export=csv", "text/csv; charset=utf-8; header=present", 7), ("limit=3&export=ndjson", "application/x-ndjson", 3),
                ("export=csv&limit=2", "text/csv; charset=utf-8; header=present", 3),
            ] {
                // As a browser says it.
                let answer = try await stand.api.get("/keys?\(query)", headers: ["Accept": "text/html,application/xhtml+xml,*/*;q=0.8"])
                #expect(answer.status == 200 && answer.headers["content-type"] == type, "\(query): \(answer.text)")
                #expect(answer.text.split(whereSeparator: \.isNewline).count == rows, "\(query): \(answer.text)")
            }
            let next = try #require(try await stand.api.get("/keys?export=csv&limit=2").headers["link"])
            #expect(next.contains("limit=2") && !next.contains("export"))
            #expect(try await stand.api.get("/keys?export=pdf").status == 400)
            #expect(try await stand.api.get("/keys?export=csv&export=csv").status == 400)
            #expect(try await stand.api.get("/projects/web?export=csv").status == 406)
        }
    }

    @Test("what is refused as JSON is refused as a table, with a problem; what is no list is no table")
    func refused() async throws {
        try await GatewayStand.with { stand in
            let unknown = try await stand.api.get("/keys?colour=red", headers: ["Accept": "text/csv"])
            #expect(unknown.status == 400 && unknown.headers["content-type"] == "application/problem+json")
            #expect(try await stand.api.get("/projects/web", headers: ["Accept": "text/csv"]).status == 406)
        }
    }

    @Test("it costs what ten pages cost, of the share for exports, and what the answer costs where it stands in one")
    func price() {
        let list = HTTPEndpoint(access: .everybody, cost: 2, produces: "application/json", isExportable: true, exportsPages: true) { _ in
            throw Fault.routeNotFound
        }
        #expect(list.price(accept: "text/csv") == (20, .export))
        #expect(list.price(accept: "application/json") == (2, .read))
        func price(_ query: String) -> (cost: Int, routeClass: RouteClass) {
            list.price(accept: "text/csv", list: RequestTarget(path: "/lists", rawQuery: query[...]).unpagedList)
        }
        #expect(price("limit=2") == (20, .export) && price("list=data") == (20, .export))
        #expect(price("list=reasons") == (2, .read) && price("limit=2&list=reasons") == (2, .read))
        let answer = HTTPEndpoint(access: .everybody, cost: 2, produces: "application/json", isExportable: true) { _ in throw Fault.routeNotFound }
        #expect(answer.price(accept: "text/csv") == (2, .read))
        let other = HTTPEndpoint(access: .everybody, cost: 2, produces: "application/json") { _ in throw Fault.routeNotFound }
        #expect(other.price(accept: "text/csv") == (2, .read))
    }
}
