import Foundation
import Synchronization
import TestSupport
import Testing

/// Journey B over real TCP with all seven processes: a suite is executed at once and on a schedule.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct SuiteJourneyTests {
    @Test("a suite runs, its results say what was found, and each phase was timed")
    func whole() async throws {
        let target = try await LoopbackServer.start { request in
            request.target == "/1" ? .text("broken", status: 503) : .json(#"{"path": "\#(request.target)"}"#)
        }
        defer { target.stop() }
        try await Stack.with { stack in
            let journey = Journey(stack)
            let project = try await journey.makeProject()
            let suite = try await journey.makeSuite(in: project, count: 4, url: "http://127.0.0.1:\(target.port)")
            let started = try await journey.api.post("/projects/\(project)/runs", ["suite": suite])
            #expect(started.status == 202, "\(started.text)")
            let run = try await journey.finished(started.string("id"))
            #expect(run.string("state") == "FAILED" && run.integer("counts.passed") == 3 && run.integer("counts.failed") == 1, "\(run.text)")

            let results = try await journey.results(of: run.string("id"))
            #expect(results.count == 4)
            let failed = try #require(results.first { $0["outcome"] as? String == "FAILED" })
            let detail = try await journey.api.get("/results/\(failed["id"] as? String ?? "")")
            #expect(detail.integer("http.status") == 503 && detail.string("http.assertions.0.actual") == "503")
            #expect(detail.integer("http.total_us") > 0 && detail["http.first_byte_us"] != nil && detail["http.dns_us"] != nil)
            try await eventually(within: .seconds(20)) {
                try await journey.api.get("/runs/\(run.string("id"))/validation").string("categories.0.category") == "SERVER_ERROR"
            }
            let events = try await ServerSentEvents.read("\(stack.url)/api/v1/runs/\(run.string("id"))/events", key: stack.apiKey)
            #expect(events.last?.event == "finished" && events.last?.data.contains("\"FAILED\"") == true, "\(events)")
        }
    }

    @Test("a secret is sent to its hosts alone, stands in nothing that can be read afterwards, and templates are never evaluated")
    func secret() async throws {
        let value = "s3cr3t/\(UUID().uuidString)"
        let echo = try await LoopbackServer.start { request in
            let token = request.header("authorization") ?? ""
            return .json(#"{"token": "\#(token)", "base64": "\#(Data(token.utf8).base64EncodedString())", "x": "\#(request.header("x") ?? "")"}"#)
        }
        let other = try await LoopbackServer.start { _ in .text("thanks") }
        defer {
            echo.stop()
            other.stop()
        }
        try await Stack.with { stack in
            let journey = Journey(stack)
            let project = try await journey.makeProject()
            let made = try await journey.api.post("/projects/\(project)/secrets", ["name": "TOKEN", "value": value, "hosts": [echo.url]])
            #expect(made.status == 201 && made["value"] == nil && !made.text.contains(value), "\(made.text)")
            let suite = try await journey.api.post("/projects/\(project)/suites", ["name": "secrets", "variables": ["sly": "{{secret.TOKEN}}"]])
                .string("id")
            for (name, url) in [("echo", echo.url), ("other", other.url)] {
                let headers = [
                    ["name": "Authorization", "value": "Bearer {{secret.TOKEN}}"], ["name": "X", "value": "{{sly}} {{7*7}} ${7*7} {{sly|upper}}"],
                ]
                let http = ["url": url + "/?t={{secret.TOKEN}}", "headers": headers] as [String: Any]
                let test = try await journey.api.post("/suites/\(suite)/cases", ["name": name, "http": http])
                #expect(test.status == 201, "\(test.text)")
            }
            let reserved = try await journey.api.post(
                "/projects/\(project)/suites", ["name": "reserved", "variables": ["secret.TOKEN": "x"]])
            #expect(reserved.status == 422 && reserved.string("errors.0.code") == "reserved_name", "\(reserved.text)")

            let run = try await journey.finished(journey.api.post("/projects/\(project)/runs", ["suite": suite]).string("id"))
            #expect(run.integer("counts.passed") == 1 && run.integer("counts.errored") == 1, "\(run.text)")
            var details: [String: APIAnswer] = [:]
            for result in try await journey.results(of: run.string("id")) {
                details[result["name"] as? String ?? ""] = try await journey.api.get("/results/\(result["id"] as? String ?? "")")
            }
            let echoed = try #require(details["echo"])
            #expect(echo.requests.first?.target == "/?t=\(value)" && echo.requests.first?.header("authorization") == "Bearer \(value)")
            #expect(echoed.string("http.url") == echo.url + "/?t=***")
            let excerpt = echoed.string("http.body_excerpt")
            #expect(excerpt.contains(#""token": "Bearer ***""#), "\(excerpt)")
            #expect(excerpt.contains(#""x": "{{secret.TOKEN}} {{7*7}} ${7*7} {{sly|upper}}""#), "\(excerpt)")
            #expect(
                details["other"]?.string("error_type") == "secret_host_denied" || details["other"]?.string("http.error_code") == "secret_host_denied")
            #expect(other.count == 0)
            let dump = try await stack.sql(
                "select string_agg(t::text, ' ') from (select r::text from execution.result_details r union all select c::text from execution.run_cases c) t"
            )
            for text in [echoed.text, details["other"]?.text ?? "", dump, stack.log("execution")] {
                for form in SecretsTests.forms(value) { #expect(!text.contains(form)) }
            }
        }
    }

    @Test("with two schedulers each tick fires once and starts one run")
    func schedule() async throws {
        let target = try await LoopbackServer.start { _ in .text("ok") }
        defer { target.stop() }
        try await Stack.with(replicas: ["scheduling": 2, "execution": 2]) { stack in
            let journey = Journey(stack)
            let project = try await journey.makeProject()
            let suite = try await journey.makeSuite(in: project, count: 2, url: "http://127.0.0.1:\(target.port)")
            var schedules: [String] = []
            for index in 0..<10 {
                let made = try await journey.api.post(
                    "/projects/\(project)/schedules",
                    ["suite": suite, "name": "s\(index)", "cron": "* * * * *", "time_zone": "Europe/Berlin"])
                try #require(made.status == 201, "\(made.text)")
                #expect((made["upcoming"] as? [Any])?.count == 10)
                schedules.append(made.string("id"))
            }
            // The minute need not be waited for: the ticks are made due as if their minute had come.
            try await stack.sql("update scheduling.schedules set next_at = date_trunc('minute', now())")
            let expected = schedules.count
            try await eventually(within: .seconds(30)) {
                let runs = try await journey.api.get("/projects/\(project)/runs?limit=200")["data"] as? [[String: Any]] ?? []
                return runs.count >= expected && runs.allSatisfy { $0["state"] as? String == "PASSED" }
            }
            for schedule in schedules {
                let firings = try await journey.api.get("/schedules/\(schedule)/firings")
                let ticks = (firings["data"] as? [[String: Any]] ?? []).compactMap { $0["tick_at"] as? String }
                #expect(Set(ticks).count == ticks.count && !ticks.isEmpty)
                #expect(firings.string("data.0.state") == "STARTED", "\(firings.text)")
            }
            let firings = try await stack.sql("select count(*) from scheduling.firings where state = 'started'")
            let runs = try await stack.sql("select count(*) from execution.runs where kind = 'suite'")
            #expect(firings == runs)
        }
    }
}
