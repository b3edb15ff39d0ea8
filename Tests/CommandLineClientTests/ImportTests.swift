import Foundation
import Synchronization
import TestSupport
import Testing

@testable import CommandLineClient

/// `assay import …` against a server that takes everything, or does not.
@Suite(.timeLimit(.minutes(2))) struct ImportTests {
    private static let results = "<result><suites><suite><name>s</name><cases/></suite></suites></result>"

    /// A day of November 2026.
    private static func at(_ day: Int, _ hour: Int = 9) -> Int64 { 1_793_491_200_000 + Int64((day - 1) * 24 + hour) * 3_600_000 }

    private static func build(_ startedAt: Int64, result: String? = "SUCCESS", git: String = "") -> String {
        """
        <?xml version='1.1' encoding='UTF-8'?>
        <build>
          <actions>\(git)</actions>
          <timestamp>\(startedAt - 40)</timestamp>
          <startTime>\(startedAt)</startTime>
          \(result.map { "<result>\($0)</result>" } ?? "")
          <duration>90000</duration>
        </build>
        """
    }

    private static func git(_ number: Int, _ commit: String, branch: String = "refs/remotes/origin/main") -> String {
        """
        <hudson.plugins.git.util.BuildData plugin="git@5.2">
          <buildsByBranchName><entry><string>\(branch)</string><hudson.plugins.git.util.Build>
            <marked><sha1>\(commit)</sha1><branches class="list"><hudson.plugins.git.Branch><sha1 reference="../../../sha1"/><name>\(branch)</name></hudson.plugins.git.Branch></branches></marked>
            <revision reference="../marked"/><hudsonBuildNumber>\(number)</hudsonBuildNumber>
          </hudson.plugins.git.util.Build></entry></buildsByBranchName>
          <lastBuild reference="../buildsByBranchName/entry/hudson.plugins.git.util.Build"/>
        </hudson.plugins.git.util.BuildData>
        """
    }

    private func writeJenkins(_ program: AssayProgram) throws {
        func write(_ job: String, _ number: String, _ build: String, results: String? = Self.results) throws {
            try program.write(build, to: "home/jenkins/\(job)/builds/\(number)/build.xml")
            if let results { try program.write(results, to: "home/jenkins/\(job)/builds/\(number)/junitResult.xml") }
        }
        try write("jobs/shop", "10", Self.build(Self.at(12), result: "UNSTABLE", git: Self.git(9, "aaa") + Self.git(10, "bbb")))
        try write("jobs/shop", "2", Self.build(Self.at(3), git: Self.git(2, "ccc")))
        try write("jobs/shop", "3", Self.build(Self.at(4)), results: nil)
        try write("jobs/shop", "11", Self.build(Self.at(13), result: nil))
        try write("jobs/team/jobs/web/branches/main", "7", Self.build(Self.at(5)))
        try FileManager.default.createSymbolicLink(
            atPath: program.folder.path + "/home/jenkins/jobs/shop/builds/lastStableBuild", withDestinationPath: "2")
        try program.write("<x/>", to: "home/jenkins/jobs/shop/workspace/builds/1/build.xml")
    }

    @Test("Jenkins: every build is a run of its own time, oldest first, and what is not taken is said; once is enough")
    func jenkins() async throws {
        let stub = try await ServerStub.start()
        defer { stub.server.stop() }
        let program = try AssayProgram(environment: stub.environment)
        defer { program.remove() }
        try writeJenkins(program)
        let listed = try await program("import", "jenkins", "home/jenkins", "--dry-run")
        #expect(
            listed.status == 0 && stub.uploads.isEmpty && listed.output.contains("2026-11-12T09:00:00Z  shop #10"), "\(listed.output)\(listed.error)")
        let answer = try await program("import", "jenkins", "home/jenkins", "--tag", "from=jenkins")
        #expect(answer.status == 0 && answer.output.hasPrefix("3 of 3 runs imported with 3 results.\n"), "\(answer.output)\(answer.error)")
        #expect(answer.error.contains("not taken: shop #3: has no junitResult.xml") && answer.error.contains("shop #11: is still running"))
        let sent = stub.uploads.map(ServerStub.fields)
        #expect(sent.map { $0["name"] } == ["shop #2", "team/web/main #7", "shop #10"])
        #expect(sent.map { $0["started_at"] } == ["2026-11-03T09:00:00.000Z", "2026-11-05T09:00:00.000Z", "2026-11-12T09:00:00.000Z"])
        #expect(
            sent[2]["finished_at"] == "2026-11-12T09:01:30.000Z" && sent[2]["run_env[commit_sha]"] == "bbb" && sent[2]["run_env[branch]"] == "main")
        #expect(sent[1]["run_env[branch]"] == "main" && sent[1]["run_env[commit_sha]"] == nil)
        #expect(sent[2]["tags[jenkins_result]"] == "UNSTABLE" && sent.allSatisfy { $0["tags[from]"] == "jenkins" && $0["run_env[key]"] == nil })
        let again = try await program("import", "jenkins", "home/jenkins")
        #expect(again.output.hasPrefix("0 of 3 runs imported with 0 results; 3 were imported before.\n") && stub.uploads.count == 3)
        #expect(try await program("import", "jenkins", "home/jenkins", "--again", "--branch", "old").status == 0)
        #expect(stub.uploads.count == 6 && ServerStub.fields(of: stub.uploads[5])["run_env[branch]"] == "old")
        #expect(try await program("import", "jenkins", "home/none").status == 2)
    }

    @Test("an import that was cut off goes on where it was; one run that is refused does not hold up the others")
    func cut() async throws {
        let asked = Mutex(0)
        let stub = try await ServerStub.start { request in
            guard request.target.contains("/uploads") else { return nil }
            switch asked.withLock({
                $0 += 1; return $0
            }) {
            case 1: return nil
            case 2, 3: return .json(#"{"status":401,"code":"keys.unknown","detail":"This key is not known."}"#, status: 401)
            case 4: return .json(#"{"status":422,"code":"report.unknown_format","detail":"Nothing was read."}"#, status: 422)
            default: return .json(#"{"upload_id":"upl_1","run_id":"run_1","accepted":5,"rejected":0,"warnings":[],"duplicate":true}"#, status: 202)
            }
        }
        defer { stub.server.stop() }
        let program = try AssayProgram(environment: stub.environment)
        defer { program.remove() }
        try writeJenkins(program)
        let first = try await program("import", "jenkins", "home/jenkins/jobs")
        #expect(
            first.status == 3 && first.output.hasPrefix("1 of 3 runs imported") && first.error.contains("goes on with the next"), "\(first.error)")
        #expect(try await program("import", "jenkins", "home/jenkins/jobs").status == 3)
        let third = try await program("import", "jenkins", "home/jenkins/jobs", "--output", "json")
        #expect(third.status == 2 && stub.uploads.count == 5, "\(third.error)")
        let summary = try #require(JSONObject(Data(third.output.utf8)))
        #expect(summary.number("found") == 3 && summary.number("imported") == 0 && summary.number("imported_before") == 1)
        #expect(
            summary.number("already_there") == 1 && summary.objects("not_taken").contains { $0.text("reason")?.contains("Nothing was read.") == true }
        )
    }

    @Test("Allure: a line of history.jsonl is a run, as is a folder of results; names of history.json are looked for")
    func allure() async throws {
        let stub = try await ServerStub.start()
        defer { stub.server.stop() }
        let program = try AssayProgram(environment: stub.environment)
        defer { program.remove() }
        for (day, name) in [(9, "two"), (8, "one")] {
            let line =
                #"{"uuid":"u\#(day)","name":"\#(name)","timestamp":\#(Self.at(day, 12)),"knownTestCaseIds":[],"testResults":{"h":{"name":"t","status":"passed","#
                + #""start":\#(Self.at(day)),"stop":\#(Self.at(day, 10))}}}"#
            try program.write((program.read("three/history.jsonl")) + line + "\n\n", to: "three/history.jsonl")
        }
        #expect(try await program("import", "allure", "three/history.jsonl").output.hasPrefix("2 of 2 runs imported"))
        let lines = stub.uploads.map(ServerStub.fields)
        #expect(lines.map { $0["name"] } == ["one #2", "two #1"] && lines.map { $0["run_env[job_id]"] } == ["u8", "u9"])
        #expect(lines[0]["started_at"] == "2026-11-08T09:00:00.000Z" && lines[0]["finished_at"] == "2026-11-08T10:00:00.000Z")

        func item(_ day: Int, _ status: String) -> String {
            #"{"uid":"x","status":"\#(status)","time":{"start":\#(Self.at(day)),"stop":\#(Self.at(day, 10)),"duration":3600000}}"#
        }
        try program.write(
            #"{"h1":{"statistic":{},"items":[\#(item(3, "failed")),\#(item(2, "passed"))]},"gone":{"items":[\#(item(2, "passed"))]}}"#,
            to: "two/history/history.json")
        try program.write(
            #"{"uid":"x","name":"adds","fullName":"shop.adds","historyId":"h1","labels":[{"name":"suite","value":"shop"}]}"#,
            to: "two/data/test-cases/x.json")
        try program.write("[]", to: "two/history/history-trend.json")
        let old = try await program("import", "allure", "two")
        #expect(old.status == 0 && old.output.hasPrefix("2 of 2 runs imported"), "\(old.output)\(old.error)")
        #expect(old.error.contains("the test gone: has no name") && old.error.contains("holds sums of runs only"))
        #expect(stub.uploads.suffix(2).map { ServerStub.fields(of: $0)["started_at"] } == ["2026-11-02T09:00:00.000Z", "2026-11-03T09:00:00.000Z"])

        for day in [6, 5] {
            try program.write(#"{"name":"t","status":"passed","start":\#(Self.at(day)),"stop":\#(Self.at(day))}"#, to: "runs/r\(day)/a-result.json")
        }
        #expect(try await program("import", "allure", "runs").output.hasPrefix("2 of 2 runs imported"))
        #expect(ServerStub.fields(of: stub.uploads[4])["name"] == "r5 2026-11-05T09:00:00Z")
        #expect(try await program("import", "allure", "home").status == 2)
    }

    @Test("ReportPortal: launches and items may be in any files; a launch that brings no items is named")
    func reportportal() async throws {
        let stub = try await ServerStub.start()
        defer { stub.server.stop() }
        let program = try AssayProgram(environment: stub.environment)
        defer { program.remove() }
        func launch(_ id: Int, _ day: Int, _ status: String = "PASSED") -> String {
            #"{"id":\#(id),"uuid":"u","name":"shop","number":\#(id - 500),"startTime":\#(Self.at(day)),"endTime":"2026-11-0\#(day)T09:10:00.5Z","#
                + #""status":"\#(status)","attributes":[{"key":"branch","value":"main"},{"key":"build","value":"4"},{"key":"x","value":"y","system":true}]}"#
        }
        try program.write(
            #"{"content":[\#(launch(502, 7)),\#(launch(501, 6)),\#(launch(503, 8)),\#(launch(504, 8, "IN_PROGRESS"))]}"#, to: "launches.json")
        func item(_ id: Int, _ launch: Int) -> String { #"{"id":\#(id),"name":"t\#(id)","launchId":\#(launch),"status":"PASSED","startTime":1}"# }
        try program.write(#"{"content":[\#(item(1, 501)),\#(item(2, 502))],"page":{}}"#, to: "items/1.json")
        try program.write("[\(item(3, 502)),\(item(2, 502)),\(item(4, 504))]", to: "items/2.json")
        try program.write("<html>", to: "items/3.json")
        let answer = try await program("import", "reportportal", "items", "launches.json")
        #expect(answer.status == 0 && answer.output.hasPrefix("2 of 2 runs imported"), "\(answer.output)\(answer.error)")
        for reason in ["shop #3: has no items", "shop #4: is still running", "items/3.json: is no JSON"] { #expect(answer.error.contains(reason)) }
        let sent = stub.uploads.map(ServerStub.fields)
        #expect(sent.map { $0["name"] } == ["shop #1", "shop #2"] && sent[1]["finished_at"] == "2026-11-07T09:10:00.500Z")
        #expect(sent[0]["run_env[branch]"] == "main" && sent[0]["tags[build]"] == "4" && sent[0]["tags[x]"] == nil)
    }

    @Test("what build.xml says: a checkout of its own number, the revision of a multibranch project, nothing of what is broken")
    func buildDescription() {
        let own = JenkinsBuild(Self.build(Self.at(2), git: Self.git(1, "old") + Self.git(2, "own", branch: "detached")), number: 2)
        #expect(own.commit == "own" && own.branch == nil && own.result == "SUCCESS" && own.duration == 90)
        #expect(own.startedAt == Date(timeIntervalSince1970: Double(Self.at(2)) / 1000))
        let action =
            "<jenkins.scm.api.SCMRevisionAction><revision class=\"x\"><head class=\"y\"><name>feature/a &amp; b</name></head><hash>feed</hash></revision>"
            + "</jenkins.scm.api.SCMRevisionAction>"
        let branch = JenkinsBuild(Self.build(Self.at(2), git: action), number: 4)
        #expect(branch.commit == "feed" && branch.branch == "feature/a & b")
        for text in ["", "<build>", "<build></x>", "<build><startTime>x</startTime></build>", "no tags", "<a><!-- never closed"] {
            #expect(JenkinsBuild(text, number: 1).startedAt == nil)
        }
        let old = JenkinsBuild("<build><timestamp>1690829598625</timestamp><result>FAILURE</result><duration>0</duration></build>", number: 1)
        #expect(old.startedAt == Date(timeIntervalSince1970: 1_690_829_598.625) && old.duration == nil)
    }

    @Test("executions of Allure 2 are one run by their report; without it, until a test comes again or an hour has passed")
    func allureRuns() throws {
        let name = AllureItem.Name(name: "n", fullName: "n", labels: [])
        func item(_ test: String, _ minute: Int, report: String? = nil) throws -> AllureItem {
            let report = report.map { #""reportUrl":"https://ci.example.com/job/shop/\#($0)/allure/#testresult/1","# } ?? ""
            let text = #"{\#(report)"status":"passed","time":{"start":\#(Self.at(1) + Int64(minute) * 60_000)}}"#
            let object = try #require(JSONObject(Data(text.utf8)))
            return try #require(AllureItem(test: test, name: name, object))
        }
        let runs = AllureItem.runs([
            try item("a", 0), try item("b", 1), try item("a", 5), try item("b", 6), try item("c", 70), try item("a", 900, report: "42"),
            try item("b", 1, report: "42"),
        ])
        #expect(runs.map(\.items.count) == [2, 2, 2, 1] && runs.compactMap(\.number) == ["42"])
        let document = runs[0].document()
        #expect(document.object("testResults")?.members.count == 2 && document.members["knownTestCaseIds"] != nil)
    }

    @Test("times that cannot be are said, and an end that cannot be is left out")
    func bounds() {
        var history = History()
        let now = Date(timeIntervalSince1970: 1_800_000_000)
        for (label, start, end) in [
            ("future", 10.0, nil), ("old", -3654 * 86_400, nil), ("fine", -100, -50), ("ends later", -100, 50), ("ends before", -100, -200),
        ] as [(String, Double, Double?)] {
            history.add(
                HistoricalRun(label: label, startedAt: now + start, finishedAt: end.map { now + $0 }, content: .text(Data())), now: now)
        }
        #expect(
            history.runs.map(\.label) == ["fine", "ends later", "ends before"] && history.runs.map { $0.finishedAt != nil } == [true, false, false])
        #expect(history.leftOut.map(\.example) == ["future", "old"])
    }
}
