import Foundation
import TestSupport
import Testing

/// Journey A over real TCP with all seven processes: a CI upload becomes results, categories, history, a trend and a signed webhook.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct UploadJourneyTests {
    @Test("an upload becomes results, categories, history, a trend and a webhook")
    func whole() async throws {
        let receiver = try await LoopbackServer.start { _ in .text("ok") }
        defer { receiver.stop() }
        try await Stack.with { stack in
            let journey = Journey(stack)
            let api = journey.api
            let project = try await journey.makeProject()
            let channel = try await api.post("/channels", ["name": "ci", "kind": "WEBHOOK", "url": "http://127.0.0.1:\(receiver.port)/hook"])
            try #require(channel.status == 201, "\(channel.text)")

            let receipt = try await journey.upload(Journey.report(count: 30, failing: 10), to: project, query: "wait=30&run_env[branch]=main")
            #expect(receipt.status == 200, "\(receipt.text)")
            #expect(receipt.integer("accepted") == 30 && receipt.integer("rejected") == 0)
            #expect(receipt.string("status_url").hasPrefix("/api/v1/uploads/") || receipt.string("status_url").contains("/api/v1/uploads/"))
            let run = receipt.string("run_id")

            let read = try await api.get("/runs/\(run)")
            #expect(read.string("state") == "FAILED" && read.string("branch") == "main")
            #expect(read.integer("counts.total") == 30 && read.integer("counts.failed") == 3 && read.integer("counts.passed") == 27)
            let failed = try await api.get("/runs/\(run)/results?outcome=FAILED")
            #expect((failed["data"] as? [Any])?.count == 3 && failed.string("data.0.message") == "connection refused")

            try await eventually(within: .seconds(20)) {
                try await api.get("/runs/\(run)/validation").string("state") == "JUDGED"
            }
            let validation = try await api.get("/runs/\(run)/validation")
            #expect(validation.string("categories.0.category") == "NETWORK" && validation.integer("categories.0.count") == 3)
            let failures = try await api.get("/runs/\(run)/failures?category=NETWORK")
            #expect(failures.string("data.0.rule") == "network.connection-refused")

            let test = failed.string("data.0.test")
            try await eventually(within: .seconds(20)) { try await api.get("/tests/\(test)/history").string("data.0.outcome") == "FAILED" }
            try await eventually(within: .seconds(20)) {
                guard let days = try await api.get("/projects/\(project)/trends?days=7")["data"] as? [[String: Any]] else { return false }
                return days.count == 7 && (days.last?["runs"] as? NSNumber)?.intValue == 1
                    && ((days.last?["counts"] as? [String: Any])?["total"] as? NSNumber)?.intValue == 30
            }

            // The same test passes in the next run: one flip.
            _ = try await journey.upload(Journey.report(count: 30, failing: 0), to: project, query: "wait=30&run_env[branch]=main")
            try await eventually(within: .seconds(20)) { try await api.get("/tests/\(test)").integer("flips") == 1 }

            // Whoever has an answer is not given it again until something comes in; another question is another answer, and an export is whole.
            let path = "/projects/\(project)/comparison?branch=main&base_branch=main&weeks=1&base_weeks_ago=1"
            try await eventually(within: .seconds(20)) {
                let known = try await api.get(path)
                let tag = known.headers["etag"] ?? ""
                let again = try await api.get(path, headers: ["If-None-Match": tag])
                let other = try await api.get(path + "&kind=ADDED", headers: ["If-None-Match": tag])
                let lines = try await api.get(path, headers: ["If-None-Match": tag, "Accept": "text/csv"]).text.split(separator: "\r\n")
                return known.integer("summary.added") == 30 && again.status == 304 && again.headers["etag"] == tag && again.body.isEmpty
                    && other.status == 200 && other.integer("summary.added") == 30 && lines.count == 31
            }

            try await eventually(within: .seconds(20)) { receiver.requests.count >= 2 }
            let request = try #require(receiver.requests.first)
            let secret = channel.string("secret")
            #expect(try WebhookCheck.isSigned(request, secret: secret))
            #expect(String(decoding: request.body, as: UTF8.self).contains("\"run.finished\""))
            try await eventually(within: .seconds(20)) { try await api.get("/deliveries").string("data.0.state") == "DELIVERED" }
        }
    }

    @Test("a compressed bomb is refused, and neither the gateway nor Execution grows by what it would have become (T05)")
    func bomb() async throws {
        // 256 MiB of blanks between two elements, a quarter of a mebibyte on the wire.
        let script = #"{ printf '<testsuite name="s">'; head -c 268435456 /dev/zero | tr '\0' ' '; printf '</testsuite>'; } | gzip -9"#
        let bomb = try await Self.output("/bin/sh", ["-c", script])
        try #require(bomb.count > 100_000 && bomb.count < 1 << 20)
        try await Stack.with { stack in
            let journey = Journey(stack)
            let project = try await journey.makeProject()
            _ = try await journey.upload(Journey.report(count: 1_000, failing: 10), to: project)
            let services = ["gateway", "execution"]
            var before: [String: Double] = [:]
            for service in services { before[service] = try await stack.residentMebibytes(service) }
            let answer = try await journey.upload(bomb, to: project, headers: ["Content-Encoding": "gzip"])
            #expect(answer.status == 413, "\(answer.text)")
            for service in services {
                let growth = try await stack.residentMebibytes(service) - before[service, default: 0]
                #expect(growth < 64, "\(service) grew by \(growth) MiB")
            }
        }
    }

    private static func output(_ program: String, _ arguments: [String]) async throws -> Data {
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        return await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                let data = pipe.fileHandleForReading.readDataToEndOfFile()
                process.waitUntilExit()
                continuation.resume(returning: data)
            }
        }
    }

    @Test("a duplicate upload returns the first run, by content and by key")
    func duplicates() async throws {
        try await Stack.with { stack in
            let journey = Journey(stack)
            let project = try await journey.makeProject()
            let report = Journey.report(count: 5, failing: 0)
            let first = try await journey.upload(report, to: project)
            let second = try await journey.upload(report, to: project)
            #expect(first.string("run_id") == second.string("run_id") && !first.string("run_id").isEmpty)
            let runs = try await journey.api.get("/projects/\(project)/runs")
            #expect((runs["data"] as? [Any])?.count == 1)

            let key = ["Idempotency-Key": "\"\(UUID().uuidString)\""]
            let other = Journey.report(count: 6, failing: 0)
            let keyed = try await journey.upload(other, to: project, headers: key)
            let replayed = try await journey.upload(other, to: project, headers: key)
            #expect(keyed.body == replayed.body && replayed.headers["idempotent-replayed"] == "true")
        }
    }

    @Test("the shards of one build join one run, which finishing closes")
    func shards() async throws {
        try await Stack.with { stack in
            let journey = Journey(stack)
            let project = try await journey.makeProject()
            let runs = try await withThrowingTaskGroup(of: String.self) { group in
                for shard in 0..<4 {
                    group.addTask {
                        let report = Journey.report(count: 10, failing: 0, name: "shard \(shard)")
                        return try await journey.upload(report, to: project, query: "run_env[key]=build-1").string("run_id")
                    }
                }
                return try await group.reduce(into: Set<String>()) { $0.insert($1) }
            }
            let run = try #require(runs.first)
            #expect(runs.count == 1)
            #expect(try await journey.api.get("/runs/\(run)").string("state") == "RUNNING")
            let finished = try await journey.api.post("/runs/\(run):finish")
            #expect(finished.string("state") == "PASSED" && finished.integer("counts.total") == 40, "\(finished.text)")
        }
    }
}
