import Foundation
import Synchronization
import TestSupport
import Testing

@testable import CommandLineClient

/// `assay wait` where the way to the server is not smooth.
@Suite(.timeLimit(.minutes(2))) struct WaitTests {
    private static func run(_ state: String) -> String { #"{"id":"run_1","state":"\#(state)","counts":{"total":2,"passed":2}}"# }

    private static func events(_ text: String) -> LoopbackServer.Response {
        LoopbackServer.Response(headers: [("content-type", "text/event-stream")], body: Data(text.utf8))
    }

    /// With a key that may read runs.
    private static func reader(_ stub: ServerStub) throws -> AssayProgram {
        try AssayProgram(environment: stub.environment.merging(["ASSAY_API_KEY": "asy_pat_test"]) { $1 })
    }

    @Test("a stream that breaks off is gone on with where it ended")
    func resumes() async throws {
        let stub = try await ServerStub.start { request in
            guard request.target == "/api/v1/runs/run_1/events" else { return nil }
            return request.header("last-event-id") == "7"
                ? Self.events("id: 8\nevent: finished\ndata: {\"type\":\"FINISHED\",\"id\":8,\"run\":\(Self.run("PASSED"))}\n\n")
                : Self.events("id: 7\nevent: updated\ndata: {\"type\":\"UPDATED\",\"id\":7,\"run\":\(Self.run("RUNNING"))}\n\n")
        }
        defer { stub.server.stop() }
        let program = try Self.reader(stub)
        defer { program.remove() }
        let answer = try await program("wait", "run_1")
        #expect(answer.status == 0 && answer.output.contains("2 tests, 2 passed"), "\(answer.error)")
        #expect(stub.server.requests.map { $0.header("last-event-id") } == [nil, "7"])
    }

    @Test("where streams do not get through, the run is asked after")
    func polls() async throws {
        let stub = try await ServerStub.start { request in
            if request.target == "/api/v1/runs/run_1/events" { return .text("a proxy's own page") }
            return request.target == "/api/v1/runs/run_1?wait=20" ? .json(Self.run("FAILED")) : nil
        }
        defer { stub.server.stop() }
        let program = try Self.reader(stub)
        defer { program.remove() }
        let answer = try await program("wait", "run_1")
        #expect(answer.status == 1 && answer.output.contains("failed"), "\(answer.error)")
    }

    @Test("what is printed as JSON is the run as the server tells it, where the key may read it")
    func json() async throws {
        let stub = try await ServerStub.start { request in
            switch request.target {
            case "/api/v1/runs/run_1/events":
                return Self.events("id: 8\nevent: finished\ndata: {\"id\":8,\"run\":\(Self.run("PASSED"))}\n\n")
            case "/api/v1/runs/run_1": return .json(Self.run("PASSED"))
            default: return nil
            }
        }
        defer { stub.server.stop() }
        let program = try Self.reader(stub)
        defer { program.remove() }
        let answer = try await program("wait", "run_1", "--output", "json")
        #expect(answer.status == 0 && answer.output == Self.run("PASSED") + "\n", "\(answer.error)")
    }

    @Test("a run that is not there is wrong usage, and waiting too long is 5")
    func ends() async throws {
        let stub = try await ServerStub.start { request in
            request.target == "/api/v1/runs/run_1/events" ? Self.events("id: 7\nevent: updated\ndata: {\"run\":\(Self.run("RUNNING"))}\n\n") : nil
        }
        defer { stub.server.stop() }
        let program = try Self.reader(stub)
        defer { program.remove() }
        #expect(try await program("wait", "run_2").status == 2)
        #expect(try await program("wait", "run_1", "--timeout", "1s").status == 5)
    }

    @Test("with a build's key, or one that may not read runs, the state alone is asked for, and said", arguments: ["ci", "oidc", "svc"])
    func state(kind: String) async throws {
        let asked = Mutex(0)
        let stub = try await ServerStub.start { request in
            if request.target == "/api/v1/runs/run_1/events" {
                return .json(#"{"status":403,"code":"auth.scope_missing","detail":"The key lacks results:read."}"#, status: 403)
            }
            guard request.target == "/api/v1/runs/run_1/status?wait=20", request.header("accept") == "text/plain" else { return nil }
            let isFirst = asked.withLock { count in
                count += 1
                return count == 1
            }
            return .text(isFirst ? "running\n" : "passed\n")
        }
        defer { stub.server.stop() }
        let program = try AssayProgram(environment: stub.environment.merging(["ASSAY_API_KEY": "asy_\(kind)_test"]) { $1 })
        defer { program.remove() }
        let answer = try await program("wait", "run_1")
        #expect(answer.status == 0 && answer.output == "run_1  passed\n  \(stub.server.url)/runs/run_1\n", "\(answer.output)\(answer.error)")
        let json = try await program("wait", "run_1", "--output", "json")
        #expect(json.status == 0 && json.output == "{\"id\":\"run_1\",\"state\":\"PASSED\"}\n", "\(json.output)\(json.error)")
        // A refusal is told to those who guard the organization, so a build's key asks for nothing that it may not have.
        let streams = stub.server.requests.filter { $0.target.hasSuffix("/events") }
        #expect(streams.count == (kind == "svc" ? 2 : 0) && !stub.server.requests.contains { $0.target == "/api/v1/runs/run_1" })
    }
}
