import Foundation
import Jobs
import Postgres
import Primitives
import TestSupport
import Testing

@testable import ExecutionService

@Suite("tags", .database(ExecutionProgram.schema, JobSchema.schema))
struct TagTests {
    private let fixture = UploadFixture()

    private func draft(_ tags: [String: String], branch: String = "main", lane: Lane = .trusted) throws -> Ingest.Order {
        let draft = try UploadDraft(project: fixture.project, name: UUID().uuidString, branch: branch, tags: tags, lane: lane)
        return Ingest.Order(draft: draft, tenant: fixture.tenant, actor: "key_test", key: nil, now: Date())
    }

    /// One upload of these cases: name, properties, and what else stands inside of the element.
    private func upload(
        _ cases: [(name: String, properties: [(String, String)], body: String)], tags: [String: String] = [:], branch: String = "main",
        lane: Lane = .trusted, file: String = ""
    ) async throws -> UploadReceipt {
        let xml = cases.map { found in
            let properties = found.properties.map { "<property name='\($0.0)' value='\($0.1)'/>" }.joined()
            return "<testcase name='\(found.name)' file='\(file)'><properties>\(properties)</properties>\(found.body)</testcase>"
        }
        var parts = UploadFixture.Parts([("r.xml", Data("<testsuite name='s'>\(xml.joined())</testsuite>".utf8))])
        return try await fixture.ingest.receive(draft(tags, branch: branch, lane: lane), &parts)
    }

    private func found(_ tags: [String], _ outcomes: [Outcome] = [], limit: Int = 200) async throws -> [TestResult] {
        let wanted = try tags.map { try Tag($0, field: "tag").id(in: fixture.project) }
        let filter = TagStore.Filter(tags: wanted.isEmpty ? [Tag.everything.id(in: fixture.project)] : wanted, outcomes: outcomes)
        var all: [TestResult] = []
        var cursor = ""
        while true {
            let page = try await fixture.tags.results(filter, PageRequest(limit: limit, cursor: cursor), tenant: fixture.tenant)
            all += page.items
            guard let next = page.next else { return all }
            cursor = next
        }
    }

    @Test(
        "a tag is a key and a value, or a key alone",
        arguments: [("browser:chrome", "browser", "chrome"), ("smoke", "smoke", ""), ("url:http://x", "url", "http://x"), ("a:", "a", "")])
    func read(text: String, key: String, value: String) throws {
        let tag = try Tag(text, field: "tag")
        #expect(tag.key == key && tag.value == value)
    }

    @Test(
        "what is no tag is refused",
        arguments: ["", ":x", "a\nb:c", "a:b\u{7F}", String(repeating: "k", count: 101), "k:" + String(repeating: "v", count: 501)])
    func refused(text: String) {
        #expect(throws: Fault.self) { try Tag(text, field: "tag") }
    }

    @Test("results are found by the run's tags, by their own, and by both with an outcome, newest first", arguments: [200, 1, 2])
    func find(limit: Int) async throws {
        _ = try await upload(
            [
                ("a", [("priority", "high")], ""), ("b", [("priority", "low")], "<failure/>"),
                ("c", [("priority", "high"), ("os", "linux")], "<failure/>"),
            ],
            tags: ["os": "linux"])
        _ = try await upload([("d", [("priority", "high")], "<failure/>"), ("e", [], "<skipped/>")], tags: ["os": "mac"], branch: "topic")
        #expect(try await found([], limit: limit).map(\.name) == ["e", "d", "c", "b", "a"])
        #expect(try await found(["os:linux"], limit: limit).map(\.name) == ["c", "b", "a"])
        #expect(try await found(["os:linux"], [.failed], limit: limit).map(\.name) == ["c", "b"])
        #expect(try await found(["priority:high"], limit: limit).map(\.name) == ["d", "c", "a"])
        #expect(try await found(["priority:high"], [.failed], limit: limit).map(\.name) == ["d", "c"])
        #expect(try await found(["priority:high", "os:linux"], limit: limit).map(\.name) == ["c", "a"])
        #expect(try await found(["os:linux", "priority:high"], [.failed], limit: limit).map(\.name) == ["c"])
        #expect(try await found(["branch:topic"], [.failed, .skipped], limit: limit).map(\.name) == ["e", "d"])
        #expect(try await found(["priority"], limit: limit).isEmpty)
        #expect(try await found(["priority:high"]).first?.tags == ["priority:high"])
    }

    @Test("whatever was uploaded, what is found is what has the tags")
    func random() async throws {
        var random = SeededRandom(seed: 7)
        let keys = ["a", "b", "c"]
        let bodies: [(Outcome, String)] = [(.passed, ""), (.failed, "<failure/>"), (.errored, "<error/>"), (.skipped, "<skipped/>")]
        /// Newest last.
        var all: [(name: String, outcome: Outcome, tags: Set<String>)] = []
        for number in 0..<12 {
            var runTags: [String: String] = [:]
            for key in keys where Bool.random(using: &random) { runTags[key] = "\(Int.random(in: 0..<3, using: &random))" }
            var cases: [(name: String, properties: [(String, String)], body: String)] = []
            for index in 0..<Int.random(in: 1...12, using: &random) {
                let own = keys.filter { _ in Int.random(in: 0..<3, using: &random) == 0 }.map { ($0, "\(Int.random(in: 0..<3, using: &random))") }
                let (outcome, body) = bodies.randomElement(using: &random) ?? bodies[0]
                cases.append(("\(number)-\(index)", own, body))
                all.append(("\(number)-\(index)", outcome, Set(runTags.map { "\($0):\($1)" } + own.map { "\($0):\($1)" })))
            }
            _ = try await upload(cases, tags: runTags)
        }
        for _ in 0..<60 {
            let tags = (0..<Int.random(in: 0...3, using: &random)).map { _ in
                "\(keys.randomElement(using: &random) ?? "a"):\(Int.random(in: 0..<3, using: &random))"
            }
            let outcomes = Outcome.allCases.filter { _ in Bool.random(using: &random) }
            let expected = all.reversed().filter { $0.tags.isSuperset(of: tags) && (outcomes.isEmpty || outcomes.contains($0.outcome)) }.map(\.name)
            let limit = Int.random(in: 1...20, using: &random)
            let names = try await found(tags, outcomes, limit: limit).map(\.name)
            #expect(names == expected, "\(tags) \(outcomes) by \(limit)")
        }
    }

    @Test("keys and values are offered by their beginnings, page by page; what a result has of its own is among them")
    func offered() async throws {
        _ = try await upload(
            [("a", [("browser", "chrome"), ("browser-version", "120")], "")], tags: ["os": "linux", "browser": "firefox", "smoke": ""])
        _ = try await upload([("a", [("browser", "safari")], "")])
        var keys: [String] = []
        var cursor = ""
        repeat {
            let page = try await fixture.tags.keys(from: "", PageRequest(limit: 2, cursor: cursor), project: fixture.project, tenant: fixture.tenant)
            keys += page.items
            cursor = page.next ?? ""
        } while !cursor.isEmpty
        #expect(keys == ["branch", "browser", "browser-version", "os", "smoke"])
        let some = try await fixture.tags.keys(from: "brow", PageRequest(limit: 50, cursor: ""), project: fixture.project, tenant: fixture.tenant)
        #expect(some.items == ["browser", "browser-version"])
        let values = try await fixture.tags.values(
            of: "browser", from: "", PageRequest(limit: 2, cursor: ""), project: fixture.project, tenant: fixture.tenant)
        #expect(values.items.map(\.value) == ["chrome", "firefox"] && values.next == "firefox")
        let rest = try await fixture.tags.values(
            of: "browser", from: "s", PageRequest(limit: 2, cursor: ""), project: fixture.project, tenant: fixture.tenant)
        #expect(rest.items.map(\.value) == ["safari"] && rest.next == nil)
        let other = try await fixture.tags.keys(from: "", PageRequest(limit: 50, cursor: ""), project: .new(), tenant: fixture.tenant)
        #expect(other.items.isEmpty)
    }

    @Test("builds that are not trusted are not found among those that are")
    func lanes() async throws {
        _ = try await upload([("mine", [("x", "y")], "")], lane: .untrusted)
        #expect(try await found([]).isEmpty)
        #expect(try await found(["x:y"]).isEmpty)
        #expect(try await fixture.count("result_tags") == 0)
        #expect(try await fixture.count("tags") == 0)
    }

    @Test("a property that is another one in every test is stored, and found no further than its first values")
    func overfull() async throws {
        let cases = (0..<TagIndex.mostValues + 5).map { (name: "\($0)", properties: [("took", "\($0) ms"), ("os", "linux")], body: "") }
        let receipt = try await upload(cases)
        #expect(receipt.upload.warnings.map(\.code) == ["tags.too_many_values"])
        #expect(try await found(["took:3 ms"]).map(\.name) == ["3"])
        #expect(try await found(["took:\(TagIndex.mostValues + 1) ms"]).isEmpty)
        #expect(try await found(["os:linux"]).count == cases.count)
        #expect(try await fixture.listed(receipt.upload.run).last?.tags == ["took:\(TagIndex.mostValues + 4) ms", "os:linux"])
    }

    @Test("uploads of the same new tags at once all arrive")
    func race() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<12 {
                group.addTask {
                    let tags = Dictionary(uniqueKeysWithValues: (0..<20).map { ("key \(($0 + number) % 20)", "v") })
                    _ = try await upload([("a", [("own", "\(number % 3)")], "")], tags: tags)
                }
            }
            try await group.waitForAll()
        }
        #expect(try await found(["key 7:v"]).count == 12)
        #expect(try await fixture.count("tags") == 20 + 3 + 1)
    }

    @Test("cases of suites are found by their run's tags")
    func suites() async throws {
        let cases = CaseFixture(database: fixture.database)
        let run = try await cases.start(2)
        _ = try await cases.record.end(run.id, early: .cancelled, tenant: cases.tenant)
        let everything = TagStore.Filter(tags: [Tag.everything.id(in: run.project)])
        let page = try await fixture.tags.results(everything, PageRequest(limit: 10, cursor: ""), tenant: cases.tenant)
        #expect(page.items.count == 2 && page.items.allSatisfy { $0.run == run.id })
    }

    // MARK: - Fields and owners

    @Test(
        "a field writes its values in its own way, and knows what is none",
        arguments: [
            (CustomField(key: "f", kind: .number), "08.50", "8.5"), (CustomField(key: "f", kind: .number), "-3", "-3"),
            (CustomField(key: "f", kind: .number), "3 apples", nil), (CustomField(key: "f", kind: .number), "NaN", nil),
            (CustomField(key: "f", kind: .boolean), "Yes", "true"), (CustomField(key: "f", kind: .boolean), "maybe", nil),
            (CustomField(key: "f", kind: .date), "2026-02-28", "2026-02-28"), (CustomField(key: "f", kind: .date), "2026-02-29", nil),
            (CustomField(key: "f", kind: .date), "28.02.2026", nil),
            (CustomField(key: "f", kind: .choice, choices: ["Minor", "Blocker"]), "blocker", "Blocker"),
            (CustomField(key: "f", kind: .choice, choices: ["Minor"]), "major", nil), (CustomField(key: "f", kind: .text), " x ", " x "),
        ] as [(CustomField, String, String?)])
    func field(field: CustomField, text: String, value: String?) {
        #expect(field.value(text) == value)
    }

    @Test("an upload's tags are written as the fields say; what is none of a field's is kept and told; results have their file's owners")
    func rules() async throws {
        let fields = [CustomField(key: "severity", kind: .choice, choices: ["minor", "blocker"]), CustomField(key: "load", kind: .number)]
        _ = try await fixture.rules.put(.fields, JSONText(encoding: fields).text, of: fixture.project, tenant: fixture.tenant)
        _ = try await fixture.put(owners: "*.swift @acme/core\n/Checkout/ @acme/shop @ann\n")
        let receipt = try await upload(
            [("a", [("severity", "BLOCKER")], ""), ("b", [("severity", "awful")], "<failure/>"), ("c", [("severity", "awful")], "")],
            tags: ["load": "1.50"], file: "Checkout/CartTests.swift")
        #expect(receipt.upload.warnings.map(\.code) == ["tags.value_invalid"])
        #expect(receipt.upload.warnings.first?.detail == "severity is one of minor, blocker; awful was kept as it is, 2 times")
        #expect(try await fixture.run(receipt.upload.run).tags == ["load": "1.5"])
        #expect(try await found(["severity:blocker", "load:1.5"]).map(\.name) == ["a"])
        #expect(try await found(["severity:awful"]).map(\.name) == ["c", "b"])
        #expect(try await found(["owner:@acme/shop"], [.failed]).first?.tags == ["severity:awful", "owner:@acme/shop", "owner:@ann"])
        // The file is read again when it has changed.
        _ = try await fixture.put(owners: "* @all")
        _ = try await upload([("d", [], "")], file: "x")
        #expect(try await found(["owner:@all"]).map(\.name) == ["d"])
    }

    @Test("of two that change the rules of one version one is told that they have changed")
    func versions() async throws {
        let store = fixture.rules
        #expect(try await store.get(.identity, of: fixture.project, tenant: fixture.tenant).version == 1)
        let results = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<10 {
                group.addTask {
                    do {
                        _ = try await store.put(
                            .identity, JSONText(encoding: [IdentityRule(kind: .parameter, parameter: "\(number)")]).text, version: 1,
                            of: fixture.project, tenant: fixture.tenant)
                        return true
                    } catch {
                        return false
                    }
                }
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(results == 1)
        #expect(try await store.get(.identity, of: fixture.project, tenant: fixture.tenant).version == 2)
        let stale = await #expect(throws: Fault.self) {
            try await store.put(.identity, "[]", version: 1, of: fixture.project, tenant: fixture.tenant)
        }
        #expect(stale?.code == "precondition_failed")
    }
}
