import Outbound
import Synchronization
import TestSupport
import Testing

@Suite struct ResolverTests {
    static let loopback = [Open.address("127.0.0.1")]

    @Test("a name that turns private between two requests is blocked, though its connection is still open")
    func rebinding() async throws {
        let server = try await LoopbackServer.start { _ in .text("") }
        defer { server.stop() }
        let resolver = Resolver.table(["rebind.test": [Self.loopback, Self.loopback, [Open.address("10.0.0.1")]]])
        let client = Open.client(resolver: resolver, lifetime: .zero)
        let url = "http://rebind.test:\(server.port)/"
        #expect(try await client.get(url).status == 200)
        #expect(try await client.get(url).status == 200)
        #expect(await client.failure(url)?.code == "blocked_target")
        #expect(server.count == 2 && server.connections == 1)
    }

    @Test("a name that was public when it was checked and private when it is used is blocked")
    func timeOfCheck() async throws {
        let client = Open.client(resolver: .table(["rebind.test": [[Open.address("93.184.216.34")], Self.loopback]]), lifetime: .zero)
        let url = try TargetURL("http://rebind.test/")
        try await client.check(url, policy: .tests())
        await #expect(throws: OutboundError.blockedTarget(.address(Open.address("127.0.0.1"), .loopback))) {
            try await client.send(HTTPRequest(url: url), policy: .tests())
        }
    }

    @Test("one bad answer among good ones blocks the name")
    func oneBad() async throws {
        let server = try await LoopbackServer.start { _ in .text("") }
        defer { server.stop() }
        let client = Open.client(resolver: .table(["two.test": [[Open.address("127.0.0.1"), Open.address("192.168.0.1")]]]))
        #expect(await client.failure("http://two.test:\(server.port)/")?.code == "blocked_target")
        #expect(server.count == 0)
    }

    @Test("an open connection does not carry a request whose policy closes its address")
    func reuse() async throws {
        let server = try await LoopbackServer.start { _ in .text("") }
        defer { server.stop() }
        let client = Open.client(resolver: .table(["here.test": [Self.loopback]]))
        let url = "http://here.test:\(server.port)/"
        _ = try await client.get(url)
        #expect(await client.failure(url, policy: .tests())?.code == "blocked_target")
        #expect(server.count == 1)
    }

    @Test("a connection is only reused for the address that was checked for this request")
    func reuseByAddress() async throws {
        let server = try await LoopbackServer.start { _ in .text("") }
        defer { server.stop() }
        let client = Open.client(resolver: .table(["moving.test": [Self.loopback, [Open.address("127.0.0.2")]]]), lifetime: .zero)
        let url = "http://moving.test:\(server.port)/"
        #expect(try await client.get(url).address == Open.address("127.0.0.1"))
        // The server listens on 127.0.0.1 only, so a request that used the open connection would succeed.
        #expect(await client.failure(url)?.code == "connect_failed")
        #expect(server.count == 1)
    }

    @Test("the name goes into the Host header, the address into the socket")
    func host() async throws {
        let server = try await LoopbackServer.start { _ in .text("") }
        defer { server.stop() }
        let client = Open.client(resolver: .table(["named.test": [Self.loopback]]))
        let response = try await client.get("http://named.test:\(server.port)/")
        #expect(response.address == Self.loopback[0])
        #expect(server.requests.first?.header("host") == "named.test:\(server.port)")
    }

    @Test("when the first address does not answer the next is tried")
    func failover() async throws {
        let server = try await LoopbackServer.start { _ in .text("ok") }
        defer { server.stop() }
        let client = Open.client(resolver: .table(["many.test": [[Open.address("127.0.0.9"), Open.address("::1"), Open.address("127.0.0.1")]]]))
        #expect(try await client.get("http://many.test:\(server.port)/").text == "ok")
    }

    @Test("the system's resolver knows localhost")
    func system() async throws {
        let server = try await LoopbackServer.start { _ in .text("ok") }
        defer { server.stop() }
        let client = Open.client()
        let response = try await client.get("http://localhost:\(server.port)/")
        #expect(response.text == "ok" && response.phases.dns > .zero)
        #expect(await client.failure("http://localhost:\(server.port)/", policy: .tests())?.code == "blocked_target")
    }

    @Test("an unknown name is a dns failure")
    func unknown() async {
        #expect(await Open.client(resolver: .table([:])).failure("http://nowhere.test/")?.code == "dns_failed")
        #expect(await Open.client().failure("http://nowhere.invalid/")?.code == "dns_failed")
    }

    @Test("a silent name server costs the time that was allowed")
    func slow() async {
        let resolver = Resolver { _ async throws(OutboundError) in
            try? await Task.sleep(for: .seconds(20))
            return []
        }
        var limits = TransferLimits()
        limits.total = .milliseconds(150)
        let start = ContinuousClock.now
        #expect(await Open.client(resolver: resolver).failure("http://slow.test/", limits: limits) == .timeout(.dns))
        #expect(ContinuousClock.now - start < .seconds(5))
    }

    @Test("a hundred requests for one name ask once")
    func coalesced() async throws {
        let server = try await LoopbackServer.start { _ in .text("") }
        defer { server.stop() }
        let questions = Mutex(0)
        let resolver = Resolver { _ async throws(OutboundError) in
            questions.withLock { $0 += 1 }
            try? await Task.sleep(for: .milliseconds(20))
            return Self.loopback
        }
        let client = Open.client(resolver: resolver)
        let url = "http://popular.test:\(server.port)/"
        let good = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<100 { group.addTask { await client.failure(url) == nil } }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(good == 100 && questions.withLock { $0 } == 1)
    }

    @Test("a cancelled task does not wait for its name")
    func cancelled() async throws {
        let resolver = Resolver { _ async throws(OutboundError) in
            try? await Task.sleep(for: .seconds(20))
            return []
        }
        let client = Open.client(resolver: resolver)
        let task = Task { await client.failure("http://slow.test/") }
        task.cancel()
        let start = ContinuousClock.now
        #expect(await task.value == .cancelled)
        #expect(ContinuousClock.now - start < .seconds(2))
    }
}
