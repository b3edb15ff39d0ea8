import Foundation
import Synchronization
import TestSupport
import Testing

/// Each service is killed once in the middle of its work; nothing is lost and nothing counts twice.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct FaultTests {
    @Test("a worker killed half-way: every case has exactly one result and the run finishes once")
    func executionKilled() async throws {
        // Slow enough that the kill comes in the middle.
        let target = try await LoopbackServer.start { _ in
            try? await Task.sleep(for: .milliseconds(100))
            return .text("ok")
        }
        defer { target.stop() }
        try await Stack.with(replicas: ["execution": 2]) { stack in
            let journey = Journey(stack)
            let project = try await journey.makeProject()
            let suite = try await journey.makeSuite(in: project, count: 60, url: "http://127.0.0.1:\(target.port)")
            let started = try await journey.api.post("/projects/\(project)/runs", ["suite": suite, "concurrency": 8])
            let id = started.string("id")
            try await eventually(within: .seconds(20)) { target.requests.count >= 10 }
            await stack.kill("execution", replica: 0)
            let run = try await journey.finished(id, within: .seconds(80))
            #expect(run.string("state") == "PASSED" && run.integer("counts.passed") == 60, "\(run.text)")
            let results = try await journey.results(of: id)
            #expect(results.count == 60 && Set(results.compactMap { $0["case"] as? String }).count == 60)
        }
    }

    @Test("services killed while uploads arrive: every upload is there once, judged, counted and announced", arguments: ["gateway", "execution"])
    func uploadsWhileKilled(service: String) async throws {
        try await Stack.with { stack in
            let journey = Journey(stack)
            let project = try await journey.makeProject()
            let uploads = 12
            let runs = try await withThrowingTaskGroup(of: String.self) { group in
                for index in 0..<uploads {
                    group.addTask {
                        let report = Journey.report(count: 500, failing: 50, name: "upload \(index)")
                        // As a CI step would: the same again until there is an answer. A gateway that died with a key in hand holds it for 15 s.
                        let key = ["Idempotency-Key": "upload-\(index)"]
                        for _ in 0..<150 {
                            if let answer = try? await journey.upload(report, to: project, headers: key), answer.status < 300 {
                                return answer.string("run_id")
                            }
                            try await Task.sleep(for: .milliseconds(200))
                        }
                        return ""
                    }
                }
                try await Task.sleep(for: .milliseconds(150))
                await stack.kill(service)
                try await stack.run(service)
                try await stack.waitUntilReady(service)
                return try await group.reduce(into: Set<String>()) { $0.insert($1) }
            }
            #expect(runs.count == uploads && !runs.contains(""))
            #expect(try await stack.sql("select count(*) from execution.results") == "\(uploads * 500)")
            try await eventually(within: .seconds(60)) {
                try await stack.sql("select count(*) from validation.failures") == "\(uploads * 10)"
            }
            try await eventually(within: .seconds(60)) { try await stack.sql("select count(*) from analytics.facts") == "\(uploads * 500)" }
            #expect(try await stack.sql("select sum(passed + failed + errored + skipped) from analytics.days") == "\(uploads * 500)")
        }
    }

    @Test("a receiver of facts that is away catches up when it comes back", arguments: ["validation", "analytics", "notifications"])
    func receiverKilled(service: String) async throws {
        let hook = try await LoopbackServer.start { _ in .text("ok") }
        defer { hook.stop() }
        try await Stack.with { stack in
            let journey = Journey(stack)
            let project = try await journey.makeProject()
            _ = try await journey.api.post("/channels", ["name": "ci", "kind": "WEBHOOK", "url": "http://127.0.0.1:\(hook.port)/"])
            await stack.kill(service)
            let receipt = try await journey.upload(Journey.report(count: 100, failing: 4), to: project)
            #expect(receipt.status == 200, "\(receipt.text)")
            try await stack.run(service)
            try await stack.waitUntilReady(service)
            let run = receipt.string("run_id")
            try await eventually(within: .seconds(60)) { try await journey.api.get("/runs/\(run)/validation").integer("failures") == 25 }
            try await eventually(within: .seconds(60)) { try await stack.sql("select count(*) from analytics.facts") == "100" }
            try await eventually(within: .seconds(60)) { !hook.requests.isEmpty }
            #expect(Set(hook.requests.compactMap { $0.header("webhook-id") }).count == 1)
        }
    }

    @Test("a scheduler killed as its schedules fall due: after it is back each tick has started one run")
    func schedulingKilled() async throws {
        let target = try await LoopbackServer.start { _ in .text("ok") }
        defer { target.stop() }
        try await Stack.with { stack in
            let journey = Journey(stack)
            let project = try await journey.makeProject()
            let suite = try await journey.makeSuite(in: project, count: 1, url: "http://127.0.0.1:\(target.port)")
            let schedules = 30
            for index in 0..<schedules {
                let made = try await journey.api.post(
                    "/projects/\(project)/schedules", ["suite": suite, "name": "s\(index)", "cron": "0 0 1 1 *", "time_zone": "UTC"])
                try #require(made.status == 201, "\(made.text)")
            }
            try await stack.sql("update scheduling.schedules set next_at = date_trunc('minute', now())")
            try await eventually(within: .seconds(20)) { try await stack.sql("select count(*) > 0 from scheduling.firings") == "t" }
            await stack.kill("scheduling")
            try await stack.run("scheduling")
            try await stack.waitUntilReady("scheduling")
            try await eventually(within: .seconds(80)) {
                try await stack.sql("select count(*) from execution.runs where state = 'passed'") == "\(schedules)"
            }
            // Those whose start had been asked for when the scheduler died are told so once more.
            try await eventually(within: .seconds(60)) {
                try await stack.sql("select count(*) from scheduling.firings where state = 'started'") == "\(schedules)"
            }
            #expect(try await stack.sql("select count(*) from execution.runs") == "\(schedules)")
        }
    }

    @Test("while Projects is away runs go on and are read; only what it owns answers 503, and works again when it is back")
    func projectsKilled() async throws {
        let target = try await LoopbackServer.start { _ in
            try? await Task.sleep(for: .milliseconds(50))
            return .text("ok")
        }
        defer { target.stop() }
        try await Stack.with { stack in
            let journey = Journey(stack)
            let project = try await journey.makeProject()
            let suite = try await journey.makeSuite(in: project, count: 40, url: "http://127.0.0.1:\(target.port)")
            let run = try await journey.api.post("/projects/\(project)/runs", ["suite": suite, "concurrency": 4]).string("id")
            try await eventually(within: .seconds(20)) { target.requests.count >= 4 }
            await stack.kill("projects")
            let made = try await journey.api.post("/projects", ["name": "While away"])
            #expect(made.status == 503 && made.headers["content-type"] == "application/problem+json", "\(made.status) \(made.text)")
            #expect(try await journey.finished(run).string("state") == "PASSED")
            #expect(try await journey.results(of: run).count == 40)
            try await stack.run("projects")
            try await stack.waitUntilReady("projects")
            try await eventually { try await journey.api.post("/projects", ["name": "Back"]).status == 201 }
        }
    }

    @Test("SIGTERM under load: each service ends with status 0 and nothing is lost")
    func orderlyStop() async throws {
        try await Stack.with { stack in
            let journey = Journey(stack)
            let project = try await journey.makeProject()
            for service in Stack.services {
                async let upload = journey.upload(
                    Journey.report(count: 200, failing: 0, name: service), to: project, query: "run_env[key]=\(service)")
                #expect(await stack.stop(service) == 0, "\(service): \(stack.log(service).suffix(400))")
                try await stack.run(service)
                try await stack.waitUntilReady(service)
                _ = try? await upload
                // Whatever became of the call that met the stop, repeating it ends well, and counts once.
                let again = try await journey.upload(
                    Journey.report(count: 200, failing: 0, name: service), to: project, query: "run_env[key]=\(service)")
                #expect(again.status < 300, "\(service): \(again.text)")
            }
            #expect(try await stack.sql("select count(*) from execution.results") == "\(Stack.services.count * 200)")
        }
    }
}
