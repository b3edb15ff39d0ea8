import Foundation
import Testing

@testable import NotificationsService

@Suite("Check runs")
struct CheckRunTests {
    private static let commit = "0123456789abcdef0123456789ABCDEF01234567"

    private static func body(
        state: String = "FAILED", counts: [String: Int] = ["total": 10, "passed": 7, "failed": 2, "errored": 1, "skipped": 0],
        commit: String = commit,
        incomplete: Bool = false, name: String = "", quarantined: (tests: Int, failing: Int, excused: Bool)? = nil
    ) throws -> String {
        var data: [String: Any] = [
            "state": state, "name": name, "commit_sha": commit, "environment": "", "incomplete": incomplete, "url": "/runs/run_1",
            "counts": counts.mapValues(Double.init),
        ]
        if let quarantined {
            data["quarantined"] = [
                "failing_tests": Double(quarantined.failing), "quarantined_tests": Double(quarantined.tests), "excused": quarantined.excused,
            ]
        }
        let event: [String: Any] = ["type": "run.finished", "timestamp": "2026-03-01T10:00:00.000Z", "data": data]
        return String(decoding: try JSONSerialization.data(withJSONObject: event), as: UTF8.self)
    }

    private static func run(_ failures: [EventFailure], body: String? = nil) throws -> CheckRun {
        let body = try body ?? Self.body()
        return try #require(
            CheckRun(event: "evt_1", body: body, failures: failures, publicURL: "https://assay.example.com", repository: "acme/web"))
    }

    private static func failures(_ count: Int, message: String = "expected 200, got 503", trace: String = "at a.B") -> [EventFailure] {
        (0..<count).map { EventFailure(test: "suite › case \($0)", file: "src/\($0).py", line: $0, message: message, trace: trace) }
    }

    private static func json(_ step: CheckRun.Step) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: step.body) as? [String: Any])
    }

    private static func annotations(_ step: CheckRun.Step) throws -> [[String: Any]] {
        try #require((json(step)["output"] as? [String: Any])?["annotations"] as? [[String: Any]])
    }

    @Test(
        "a conclusion says what was shown, and no more",
        arguments: [
            ("PASSED", ["total": 3, "passed": 3], false, .success, "3 of 3 tests passed"), ("PASSED", [:], false, .neutral, "No tests"),
            ("PASSED", ["total": 2, "skipped": 2], false, .neutral, "0 of 2 tests passed"),
            ("PASSED", ["total": 2, "passed": 2], true, .neutral, "2 of 2 tests passed"),
            ("FAILED", ["total": 5, "passed": 3, "failed": 1, "errored": 1], false, .failure, "2 of 5 tests failed"),
            ("ERROR", [:], false, .failure, "The run could not be carried out"),
            ("CANCELLED", ["total": 1], false, .cancelled, "Cancelled after 1 tests"),
            ("TIMED_OUT", ["total": 1], false, .timedOut, "Timed out after 1 tests"),
        ] as [(String, [String: Int], Bool, CheckRun.Conclusion, String)])
    func conclusions(state: String, counts: [String: Int], incomplete: Bool, conclusion: CheckRun.Conclusion, title: String) throws {
        let all = ["total": 0, "passed": 0, "failed": 0, "errored": 0, "skipped": 0].merging(counts) { $1 }
        let run = try Self.run([], body: Self.body(state: state, counts: all, incomplete: incomplete))
        #expect(run.conclusion == conclusion && run.title == title)
    }

    @Test("a run in which only quarantined tests failed is neutral, one with another failure is not")
    func quarantined() throws {
        let all = try Self.run([], body: Self.body(quarantined: (3, 3, true)))
        #expect(all.conclusion == .neutral && all.title == "3 of 10 tests failed, all of them quarantined")
        let some = try Self.run([], body: Self.body(quarantined: (2, 3, false)))
        #expect(some.conclusion == .failure && some.title == "3 of 10 tests failed")
        #expect(some.summary.contains("2 of 3 failing tests are quarantined."))
        // What was ended early has shown nothing, whatever failed.
        #expect(try Self.run([], body: Self.body(state: "CANCELLED", quarantined: (3, 3, true))).conclusion == .cancelled)
    }

    @Test(
        "annotations go fifty at a time, and the last request completes the check run",
        arguments: [(0, [0]), (1, [1]), (50, [50]), (51, [50, 1]), (200, [50, 50, 50, 50]), (230, [50, 50, 50, 50])])
    func batches(count: Int, expected: [Int]) throws {
        let steps = try Self.run(Self.failures(count)).steps()
        #expect(try steps.map { try Self.annotations($0).count } == expected)
        #expect(steps.map(\.isCreation) == expected.indices.map { $0 == 0 })
        for (index, step) in steps.enumerated() {
            let json = try Self.json(step)
            let isLast = index == steps.count - 1
            #expect(json["status"] as? String == (isLast ? "completed" : "in_progress") && (json["conclusion"] != nil) == isLast)
            #expect((json["head_sha"] as? String == Self.commit.lowercased()) == (index == 0) && (json["external_id"] != nil) == (index == 0))
            #expect((json["output"] as? [String: Any])?["title"] as? String == "3 of 10 tests failed")
        }
    }

    @Test("what GitHub has already is not sent again")
    func resumed() throws {
        let run = try Self.run(Self.failures(120))
        let rest = run.steps(after: .init(isCompleted: false, annotations: 50))
        #expect(rest.allSatisfy { !$0.isCreation })
        #expect(try rest.map { try Self.annotations($0).first?["path"] as? String } == ["src/50.py", "src/100.py"])
        // All annotations were there, and the end was lost.
        let end = run.steps(after: .init(isCompleted: false, annotations: 120))
        #expect(try end.count == 1 && Self.json(end[0])["status"] as? String == "completed" && Self.annotations(end[0]).isEmpty)
        #expect(run.steps(after: .init(isCompleted: true, annotations: 120)).isEmpty)
    }

    @Test(
        "every text stays under its limit in bytes, and no character is cut in two",
        arguments: ["x", "é", "日", "👩‍👩‍👧‍👦", "e\u{301}\u{302}\u{303}", "`\n|<b>@all"])
    func limits(letter: String) throws {
        let long = String(repeating: letter, count: 70_000)
        let failures = (0..<200).map { _ in EventFailure(test: long, file: "a.py", line: 3, message: long, trace: long) }
        let counts = ["total": 5_000, "passed": 0, "failed": 5_000, "errored": 0, "skipped": 0]
        let run = try Self.run(Array(failures.prefix(60)), body: Self.body(counts: counts, name: long))
        for step in run.steps() {
            let output = try #require(try Self.json(step)["output"] as? [String: Any])
            let text = try #require(output["text"] as? String)
            #expect(text.utf8.count < 65_535 && (output["summary"] as? String ?? "").utf8.count < 65_535)
            #expect(text.hasSuffix("more: [all results](https://assay.example.com/runs/run_1). ") && !text.contains("\u{FFFD}"))
            #expect((output["title"] as? String ?? "").unicodeScalars.count < 255)
            for annotation in try Self.annotations(step) {
                let (title, message, details) = (
                    annotation["title"] as? String, annotation["message"] as? String, annotation["raw_details"] as? String
                )
                #expect((title ?? "").unicodeScalars.count < 255 && (message ?? "").utf8.count < 64_000 && (details ?? "").utf8.count < 64_000)
                #expect(message?.hasSuffix("…") == true && message?.contains("\u{FFFD}") == false)
            }
        }
        #expect(run.name.utf8.count <= 200)
    }

    @Test("of what does not fit is told how much there is, and where", arguments: [1, 40, 200])
    func rest(count: Int) throws {
        let counts = ["total": 5_000, "passed": 0, "failed": 5_000, "errored": 0, "skipped": 0]
        let text = try #require(try Self.run(Self.failures(count, message: String(repeating: "m", count: 600)), body: Self.body(counts: counts)).text)
        let told = text.split(separator: "\n").filter { $0.hasPrefix("- ") }.count
        #expect(text.contains("…and \(5_000 - told) more: [all results](https://assay.example.com/runs/run_1)"))
        #expect(count == 200 ? told < 200 : told == count)
    }

    @Test("nothing in a report is markup, a mention or a link of ours")
    func markup() throws {
        let text = try #require(
            try Self.run([EventFailure(test: "a`b\n# head @all", file: "a.py", line: 1, message: "![x](http://evil)\n`<img>`")]).text)
        #expect(text.hasPrefix("- `a'b # head @all`: `![x](http://evil) '<img>'`\n"))
    }

    @Test(
        "a file is named as the repository has it, or not at all",
        arguments: [
            ("src/a.py", "src/a.py"), ("./src/a.py", "src/a.py"), ("src\\a\\B.cs", "src/a/B.cs"), ("/home/runner/work/web/web/src/a.py", "src/a.py"),
            ("D:\\a\\web\\web\\src\\a.cs", "src/a.cs"), ("file:///github/workspace/a.js", "a.js"), ("/builds/acme/web/lib/a.rb", "lib/a.rb"),
            ("/usr/lib/python3/x.py", nil), ("", nil), ("../a.py", nil), ("a/../b.py", nil), ("a//b.py", nil), ("a\u{0}b", nil),
            ("C:/elsewhere/a.cs", nil),
        ] as [(String, String?)])
    func paths(file: String, expected: String?) {
        #expect(RepositoryPath.of(file, repository: "acme/web") == expected)
        let annotation = CheckRun.Annotation(EventFailure(test: "t", file: file, line: 0), repository: "acme/web")
        #expect(annotation?.path == expected && (annotation?.startLine ?? 1) == 1)
    }

    @Test("only finished runs of a whole commit are check runs", arguments: ["", "abc123", "main", String(repeating: "g", count: 40)])
    func commits(commit: String) throws {
        let body = try Self.body(commit: commit)
        #expect(CheckRun(event: "evt_1", body: body, failures: [], publicURL: nil, repository: "acme/web") == nil)
        #expect(CheckRun(event: "evt_1", body: "{}", failures: [], publicURL: nil, repository: "acme/web") == nil)
    }
}
