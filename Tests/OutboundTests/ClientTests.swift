import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Outbound

@Suite struct ClientTests {
    @Test("phases are there and in order")
    func phases() async throws {
        let server = try await LoopbackServer.start(delay: .milliseconds(30)) { _ in .text("") }
        defer { server.stop() }
        let client = Open.client()
        let first = try await client.get("http://localhost:\(server.port)/").phases
        #expect(first.dns > .zero && first.dns < first.connect && first.connect == first.tls)
        #expect(first.firstByte > first.tls + .milliseconds(20) && first.firstByte <= first.total && first.total < .seconds(10))
        let second = try await client.get("http://localhost:\(server.port)/").phases
        #expect(second.dns <= second.connect && second.connect <= second.tls && second.tls <= second.firstByte && second.firstByte <= second.total)
        #expect(server.connections == 1)
    }

    @Test(
        "a packed body is unpacked",
        arguments: [
            ("gzip", "H4sIAAAAAAACA8tIzcnJ11FISU3OT0lNUSjPL8pJAQBD0NnIFAAAAA=="), ("deflate", "eJzLSM3JyddRSElNzk9JTVEozy/KSQEATOsHcQ=="),
            ("identity", "aGVsbG8sIGRlY29kZWQgd29ybGQ="),
        ])
    func decodes(coding: String, packed: String) async throws {
        let body = try #require(Data(base64Encoded: packed))
        let server = try await LoopbackServer.start { _ in .init(headers: [("content-encoding", coding)], body: body) }
        defer { server.stop() }
        let response = try await Open.client().get(server.url)
        #expect(response.text == "hello, decoded world")
        #expect(server.requests.first?.header("accept-encoding") == "gzip, deflate, br")
    }

    @Test("headers keep their order and their repetitions")
    func headers() async throws {
        let server = try await LoopbackServer.start { _ in
            .init(headers: [("set-cookie", "a=1"), ("x-b", "  padded "), ("set-cookie", "b=2; Path=/")], body: Data())
        }
        defer { server.stop() }
        let client = Open.client()
        let response = try await client.get(server.url)
        #expect(
            response.headers.prefix(3) == [HTTPHeader("set-cookie", "a=1"), HTTPHeader("x-b", "padded"), HTTPHeader("set-cookie", "b=2; Path=/")])
        _ = try await client.get(server.url)
        #expect(server.requests.last?.header("cookie") == nil)
    }

    @Test("a thousand requests at once all succeed, over few connections")
    func parallel() async throws {
        let server = try await LoopbackServer.start(recording: 0) { .text($0.target) }
        defer { server.stop() }
        let client = Open.client(inFlight: 64)
        let url = server.url
        let good = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<1000 {
                group.addTask { (try? await client.get(url + "/\(number)"))?.text == "/\(number)" }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(good == 1000 && server.count == 1000 && server.connections <= 64)
    }

    @Test("a cancelled task ends its transfer promptly")
    func cancel() async throws {
        let server = try await NastyServer.start(.silent)
        defer { server.stop() }
        let client = Open.client(inFlight: 2)
        let url = server.url
        // Two of them run, the others wait.
        let tasks = (0..<6).map { _ in Task { await client.failure(url) } }
        try await eventually { server.connections == 2 }
        let start = ContinuousClock.now
        for task in tasks { task.cancel() }
        for task in tasks { #expect(await task.value == .cancelled) }
        #expect(ContinuousClock.now - start < .seconds(2))
        let good = try await LoopbackServer.start { _ in .text("free again") }
        defer { good.stop() }
        #expect(try await client.get(good.url).text == "free again")
    }

    @Test("a task that was cancelled before sends nothing")
    func cancelledBefore() async throws {
        let server = try await LoopbackServer.start { _ in .text("") }
        defer { server.stop() }
        let client = Open.client()
        let url = server.url
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            return await client.failure(url)
        }
        task.cancel()
        #expect(await task.value == .cancelled)
        #expect(server.count == 0)
    }

    @Test("more than may wait is refused at once, and what waits is told when its time is up")
    func saturated() async throws {
        let server = try await NastyServer.start(.silent)
        defer { server.stop() }
        let client = Open.client(inFlight: 1, waiting: 2)
        let url = server.url
        let first = Task { await client.failure(url) }
        try await eventually { server.connections == 1 }
        var limits = TransferLimits()
        limits.total = .milliseconds(300)
        let errors = await withTaskGroup(of: OutboundError?.self) { group in
            for _ in 0..<4 { group.addTask { [limits] in await client.failure(url, limits: limits) } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(errors.count { $0 == .saturated } == 2 && errors.count { $0 == .timeout(.queue) } == 2)
        first.cancel()
        #expect(await first.value == .cancelled)
    }

    @Test("a client that is let go ends what it was doing")
    func letGo() async throws {
        let server = try await NastyServer.start(.silent)
        defer { server.stop() }
        let engine = Engine(limits: OutboundLimits())
        let request = HTTPRequest(url: try TargetURL(server.url))
        let running = Task { await engine.run(Self.transfer(request, to: "127.0.0.1", Open.tests)) }
        try await eventually { server.connections == 1 }
        engine.stop()
        #expect(Self.error(await running.value) == .cancelled)
        #expect(Self.error(await engine.run(Self.transfer(request, to: "127.0.0.1", Open.tests))) == .cancelled)
    }

    @Test("the socket refuses an address that the policy closes, though everything before it was passed by")
    func socketRefuses() async throws {
        let server = try await LoopbackServer.start { _ in .text("") }
        defer { server.stop() }
        let engine = Engine(limits: OutboundLimits())
        defer { engine.stop() }
        let request = HTTPRequest(url: try TargetURL(server.url))
        let outcome = await engine.run(Self.transfer(request, to: "127.0.0.1", .tests()))
        #expect(Self.error(outcome) == .blockedTarget(.address(Open.address("127.0.0.1"), .loopback)))
        #expect(server.connections == 0)
    }

    @Test("an open connection is refused before the request is sent, though everything before it was passed by")
    func reusedConnectionRefuses() async throws {
        let server = try await LoopbackServer.start { _ in .text("") }
        defer { server.stop() }
        let engine = Engine(limits: OutboundLimits())
        defer { engine.stop() }
        let request = HTTPRequest(url: try TargetURL(server.url))
        #expect(Self.error(await engine.run(Self.transfer(request, to: "127.0.0.1", Open.tests))) == nil)
        let outcome = await engine.run(Self.transfer(request, to: "127.0.0.1", .tests()))
        #expect(Self.error(outcome)?.code == "blocked_target")
        #expect(server.count == 1 && server.connections == 1)
    }

    private static func transfer(_ request: HTTPRequest, to address: String, _ policy: EgressPolicy) -> Transfer {
        Transfer(
            request: request, address: Open.address(address), policy: policy, connectTimeout: .seconds(5), deadline: .now + .seconds(20))
    }

    private static func error(_ result: Result<Exchange, OutboundError>) -> OutboundError? {
        if case .failure(let error) = result { error } else { nil }
    }
}
