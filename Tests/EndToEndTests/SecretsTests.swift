import Foundation
import Primitives
import TestSupport
import Testing

/// Secrets stay where they were put (T127): after a journey with every kind of failure nothing that can be read from outside, or by an operator,
/// holds one.
@Suite("Secrets", .serialized, .timeLimit(.minutes(5)))
struct SecretsTests {
    @Test("no secret is in a log, a metric, an answer, the printed settings, a dump of the database or /proc")
    func canaries() async throws {
        let hook = try await LoopbackServer.start { _ in .text("no", status: 500) }
        defer { hook.stop() }
        // The toolchain's own backtracer, which no image holds, may hang on a process of many threads.
        try await Stack.with(settings: ["ASSAY_LOG_LEVEL": "trace", "SWIFT_BACKTRACE": "enable=no"]) { stack in
            let made = try await Self.journey(stack, hook: hook)
            var canaries = stack.secrets.mapValues { $0.reveal() }
            canaries["API key"] = stack.apiKey
            canaries["webhook secret"] = made.secret
            canaries["secret of a test"] = Self.testSecret
            canaries["password in a URL"] = ":stack@"
            #expect(canaries.count == 16 && canaries.values.allSatisfy { $0.count > 6 })

            var places = ["answers": made.answers, "dump": try await Self.run("/usr/bin/pg_dump", "-d", stack.adminURL)]
            for service in Stack.services {
                #expect(try await stack.checkConfig(service) == 0)
                places["metrics of \(service)"] = try await Self.metrics(stack, service)
                let process = "/proc/\(await stack.processID(service))"
                for file in ["cmdline", "environ"] {
                    let data = try Data(contentsOf: URL(filePath: "\(process)/\(file)"))
                    places["\(file) of \(service)"] = String(decoding: data, as: UTF8.self)
                }
            }
            // What a crash prints is a log as well.
            let crashing = await stack.processID("validation")
            kill(crashing, SIGABRT)
            try await eventually { kill(crashing, 0) != 0 || Self.isGone(crashing) }
            for service in Stack.services { places["log of \(service)"] = stack.log(service) }

            #expect(places.values.allSatisfy { !$0.isEmpty })
            #expect(stack.log("gateway").contains("ASSAY_CALLER_KEY_FILE="))
            for (place, text) in places {
                for (name, canary) in canaries {
                    let forms = Self.forms(canary)
                    #expect(!forms.contains { text.contains($0) }, "\(name) is in the \(place)")
                }
            }
        }
    }

    private static let testSecret = "s3cr3t-of-a-test-\(UUID().uuidString)"

    /// As it is, and as the bytes behind it look in hexadecimal and in base64.
    static func forms(_ secret: String) -> [String] {
        let bytes = Data(base64Encoded: secret).flatMap { $0.count >= 16 ? $0 : nil }
        return [secret, Self.hex(Data(secret.utf8)), Data(secret.utf8).base64EncodedString()] + (bytes.map { [Self.hex($0)] } ?? [])
    }

    private static func hex(_ data: Data) -> String {
        data.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    /// Everything that works, and failures of each kind.
    private static func journey(_ stack: Stack, hook: LoopbackServer) async throws -> (secret: String, answers: String) {
        let journey = Journey(stack)
        let project = try await journey.makeProject()
        var answers: [APIAnswer] = []
        answers.append(try await journey.upload(Journey.report(count: 20, failing: 4), to: project))
        answers.append(try await journey.upload(Data("<nonsense".utf8), to: project))
        let channel = try await journey.api.post("/channels", ["name": "hook", "kind": "WEBHOOK", "url": "\(hook.url)/hook"])
        let signing = channel.string("secret")
        try #require(!signing.isEmpty, "\(channel.text)")
        answers.append(try await journey.api.post("/channels/\(channel.string("channel.id")):test"))
        try await eventually(within: .seconds(20)) { !hook.requests.isEmpty }

        let secret = ["name": "TOKEN", "value": testSecret, "hosts": [hook.url]] as [String: Any]
        answers.append(try await journey.api.post("/projects/\(project)/secrets", secret))
        answers.append(try await journey.api.post("/projects/\(project)/secrets", secret))
        let suite = try await journey.makeSuite(in: project, count: 0, url: hook.url)
        answers.append(
            try await journey.api.post("/suites/\(suite)/cases", ["name": "sends it", "http": ["url": "{{base}}/{{secret.TOKEN}}"]]))
        let run = try await journey.finished(journey.api.post("/projects/\(project)/runs", ["suite": suite]).string("id"))
        answers.append(run)
        #expect(run.string("state") == "FAILED" && hook.requests.contains { $0.target.contains(testSecret) })

        answers.append(try await APIClient(url: stack.url + "/api/v1", key: stack.apiKey + "x").get("/projects"))
        answers.append(try await APIClient(url: stack.url + "/api/v1", key: "").get("/projects?key=\(stack.apiKey)"))
        answers.append(try await journey.api.send("POST", "/projects", body: Data("{".utf8), headers: ["Content-Type": "application/json"]))
        answers.append(try await journey.api.post("/projects", ["name": "again", "slug": project]))
        answers.append(try await journey.api.get("/runs/run_nothing"))
        try await stack.sql("alter table projects.projects rename to elsewhere")
        answers.append(try await journey.api.get("/projects"))
        try await stack.sql("alter table projects.elsewhere rename to projects")
        await stack.kill("scheduling")
        answers.append(try await journey.api.get("/projects/\(project)/schedules"))
        try await stack.run("scheduling")
        try await stack.waitUntilReady("scheduling")
        let statuses = Set(answers.map(\.status))
        #expect(statuses.isSuperset(of: [400, 401, 409, 500, 503]), "\(statuses)")
        return (signing, answers.map { "\($0.headers)\n\($0.text)" }.joined(separator: "\n"))
    }

    private static func metrics(_ stack: Stack, _ service: String) async throws -> String {
        try await APIClient(url: "http://127.0.0.1:\(stack.adminPort(service))", key: "").get("/metrics").text
    }

    /// A process that has ended and that nobody has asked about yet.
    private static func isGone(_ process: Int32) -> Bool {
        (try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8))?.contains(") Z ") ?? true
    }

    private static func run(_ path: String, _ arguments: String...) async throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        return await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                let data = pipe.fileHandleForReading.readDataToEndOfFile()
                process.waitUntilExit()
                continuation.resume(returning: String(decoding: data, as: UTF8.self))
            }
        }
    }
}
