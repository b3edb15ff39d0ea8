import Foundation
import TestSupport
import Testing

/// Whoever files failures teaches, and a build that was killed says so.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct JudgementJourneyTests {
    @Test("what a person filed decides about the next failure like it, whose receipt names it, and no longer once it is taken back")
    func learning() async throws {
        try await Stack.with { stack in
            let journey = Journey(stack)
            let project = try await journey.makeProject()
            let first = try await fail(journey, project, "warehouse 17 gave no stock figures before the order was written", test: "reserve")
            #expect(try await journey.api.get("/results/\(first)/failure").string("category") == "ASSERTION")
            let filed = try await journey.api.send(
                "PUT", "/results/\(first)/failure/verdict", body: Data(#"{"category": "DATA", "severity": "CRITICAL", "note": "the feed"}"#.utf8),
                headers: ["Content-Type": "application/json", "If-Match": "*"])
            #expect(filed.status == 200, "\(filed.text)")
            let lessons = try await journey.api.get("/projects/\(project)/lessons")
            #expect(lessons.string("data.0.result") == first && lessons.string("data.0.category") == "DATA", "\(lessons.text)")

            let second = try await fail(journey, project, "warehouse 3 gave no stock figures before the invoice was written", test: "order")
            let learned = try await journey.api.get("/results/\(second)/failure")
            #expect(
                learned.string("category") == "DATA" && learned.string("severity") == "CRITICAL" && learned.string("rule") == "learned",
                "\(learned.text)")
            let receipt = try await journey.api.get("/results/\(second)/failure/receipt")
            #expect(receipt.string("neighbours.0.result") == first && receipt.integer("lessons_edition") == 1, "\(receipt.text)")

            // The word that decides about a group leads to the failure that it was said of; what was learned is nobody's word.
            let said = try await journey.api.get("/projects/\(project)/failure-groups?category=DATA&q=the%20order%20was")
            #expect(said.string("data.0.verdict_result") == first && said["data.0.overruled"] as? Bool == true, "\(said.text)")
            let learnt = try await journey.api.get("/projects/\(project)/failure-groups?category=DATA&q=the%20invoice%20was")
            #expect(learnt.string("data.0.verdict_result") == "" && learnt["data.0.overruled"] as? Bool == false, "\(learnt.text)")

            #expect(try await journey.api.send("DELETE", "/results/\(first)/failure/verdict", body: Data()).status == 204)
            let third = try await fail(journey, project, "warehouse 4 gave no stock figures before the invoice was written", test: "return")
            #expect(try await journey.api.get("/results/\(third)/failure").string("category") == "ASSERTION")
            // What was learned then is still explained by what was known then.
            let replay = try await journey.api.send("POST", "/results/\(second)/failure:replay", body: Data())
            #expect(replay["agrees"] as? Bool == true && replay.string("category") == "DATA", "\(replay.text)")
        }
    }

    @Test("a flaky test is the environment's while a person files its failures as that, and flaky again once they are given back")
    func environment() async throws {
        try await Stack.with { stack in
            let journey = Journey(stack)
            let project = try await journey.makeProject()
            var (test, failed): (String, [String]) = ("", [])
            for number in 0..<9 {
                let failure = number % 3 == 1 ? "<failure message='no route to the warehouse'/>" : ""
                let report = "<testsuite name='shop'><testcase classname='shop.Stock' name='reserve'>\(failure)</testcase></testsuite>"
                let receipt = try await journey.upload(
                    Data(report.utf8), to: project,
                    query: "wait=30&run_env[key]=\(number)&run_env[branch]=main&run_env[commit_sha]=9f86d081884c")
                let result = try #require(try await journey.results(of: receipt.string("run_id")).first, "\(receipt.text)")
                test = try #require(result["test"] as? String)
                if !failure.isEmpty { failed.append(try #require(result["id"] as? String)) }
            }
            func becomes(_ kind: String) async throws {
                try await eventually(within: .seconds(30), "the test is \(kind)") { [test] in
                    try await journey.api.get("/tests/\(test)/stability").string("stability.kind") == kind
                }
            }
            try await becomes("FLAKY")
            for result in failed {
                try await eventually(within: .seconds(30), "the failure is filed") {
                    try await journey.api.get("/results/\(result)/failure").status == 200
                }
                let filed = try await journey.api.send(
                    "PUT", "/results/\(result)/failure/verdict", body: Data(#"{"category": "ENVIRONMENT"}"#.utf8),
                    headers: ["Content-Type": "application/json", "If-Match": "*"])
                #expect(filed.status == 200, "\(filed.text)")
            }
            try await becomes("ENVIRONMENT")
            let told = try await journey.api.get("/tests/\(test)/stability")
            #expect(told.text.contains("a person said that it was the environment"), "\(told.text)")
            for result in failed {
                #expect(try await journey.api.send("DELETE", "/results/\(result)/failure/verdict", body: Data()).status == 204)
            }
            try await becomes("FLAKY")
        }
    }

    @Test("a command that is killed before it leaves a report fails its build, and why is known")
    func killed() async throws {
        try await Stack.with { stack in
            let journey = Journey(stack)
            let project = try await journey.makeProject()
            let program = try AssayProgram(environment: ["ASSAY_URL": stack.url, "ASSAY_API_KEY": stack.apiKey, "ASSAY_PROJECT": project])
            defer { program.remove() }
            try program.write("#!/bin/sh\nkill -9 $$\n", to: "run-tests", executable: true)
            let killed = try await program("exec", "--commit", "c0ffee", "--", "./run-tests")
            #expect(killed.status == 137, "\(killed.error)")
            let run = try #require(killed.error.firstMatch(of: /run_[0-9a-z]+/).map { String($0.output) }, "\(killed.error)")
            let kept = try await journey.finished(run)
            #expect(kept.string("state") == "ERROR" && kept.integer("counts.errored") == 1, "\(kept.text)")
            let result = try #require(try await journey.results(of: run).first?["id"] as? String)
            try await eventually(within: .seconds(30)) {
                try await journey.api.get("/results/\(result)/failure").string("category") == "OUT_OF_MEMORY"
            }
        }
    }

    @Test("the log of a failed run tells first what the logs of passed runs never said")
    func logs() async throws {
        try await Stack.with { stack in
            let journey = Journey(stack)
            let project = try await journey.makeProject()
            func run(_ failing: Int, _ log: String) async throws -> String {
                let receipt = try await journey.upload(
                    Journey.report(count: 2, failing: failing, name: "case \(log.count)"), to: project, query: "wait=30&run_env[branch]=main")
                let run = try await journey.finished(receipt.string("run_id")).string("id")
                let sent = try await journey.api.send(
                    "POST", "/runs/\(run)/artifacts?name=server.log", body: Data(log.utf8), headers: ["Content-Type": "text/plain"])
                #expect(sent.status == 201, "\(sent.text)")
                try await eventually(within: .seconds(30), "the log is read") {
                    try await journey.api.get("/runs/\(run)/log-patterns").integer("logs.logs") == 1
                }
                return run
            }
            let usual = (0..<50).map { "10:00:\($0) INFO request \($0) took \($0 * 7) ms\n" }.joined()
            _ = try await run(0, usual)
            let failed = try await run(2, usual + "10:01:00 ERROR connection refused by 10.0.0.7:5432\n" + usual)
            let told = try await journey.api.get("/runs/\(failed)/log-patterns")
            #expect(told.string("data.0.level") == "ERROR" && told.string("data.0.category") == "NETWORK", "\(told.text)")
            #expect(told["data.0.is_new"] as? Bool == true && told["data.1.is_new"] as? Bool == false, "\(told.text)")
            #expect(told.integer("data.1.lines") == 100 && told.integer("logs.lines") == 101 && told.integer("logs.compared_runs") == 1)
            let pattern = told.string("data.0.id")
            let known = try await journey.api.get("/projects/\(project)/log-patterns/\(pattern)")
            #expect(known.string("recent_runs.0.run") == failed && known.integer("pattern.runs") == 1, "\(known.text)")
            let replay = try await journey.api.post("/projects/\(project)/log-patterns/\(pattern):replay")
            #expect(replay["agrees"] as? Bool == true && replay.string("receipt.rule").hasPrefix("network."), "\(replay.text)")
            let analysed = try await journey.api.post(
                "/projects/\(project)/logs:analyse", ["text": "09:00:00 ERROR connection refused by 10.0.0.9:5432"])
            #expect(analysed.string("data.0.pattern") == pattern && analysed.string("data.0.category") == "NETWORK", "\(analysed.text)")
        }
    }

    /// - Returns: the failing result, once its failure is filed.
    private func fail(_ journey: Journey, _ project: String, _ message: String, test: String) async throws -> String {
        let report =
            "<testsuite name='shop'><testcase classname='shop.Warehouse' name='\(test)'><failure message='\(message)'/></testcase></testsuite>"
        let receipt = try await journey.upload(Data(report.utf8), to: project)
        let run = receipt.string("run_id")
        let result = try #require(try await journey.results(of: run).first?["id"] as? String, "\(receipt.text)")
        try await eventually(within: .seconds(30), "the failure is filed") {
            try await journey.api.get("/results/\(result)/failure").status == 200
        }
        return result
    }
}
