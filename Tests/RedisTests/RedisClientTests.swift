import Foundation
import Logging
import Primitives
import TestSupport
import Testing

@testable import Redis

@Suite("Redis client", .timeLimit(.minutes(1)))
struct RedisClientTests {
    private static let add = RedisScript("return {tonumber(ARGV[1]) + 1, redis.call('INCRBY', KEYS[1], ARGV[1])}")
    private static let wrong = RedisScript("return redis.error_reply('no')")

    private static func with<R>(
        _ url: String, budget: Duration = .milliseconds(500), _ body: (RedisClient) async throws -> R
    ) async throws -> R {
        let client = RedisClient(try RedisConfiguration(url: url), scripts: [add, wrong], budget: budget, logger: .silent)
        client.start()
        defer { client.stop() }
        return try await body(client)
    }

    private static func run(_ client: RedisClient, _ script: RedisScript = add, _ number: Int64 = 1) async -> Result<[Int64], RedisError> {
        do {
            return .success(try await client.run(script, keys: [Array("a key with \r\n and \u{0}".utf8)], arguments: [number]))
        } catch {
            return .failure(error)
        }
    }

    @Test("a thousand calls at once are all answered, each with its own answer")
    func pipelined() async throws {
        try await RedisServer.with { server in
            try await Self.with(server.url) { client in
                try await eventually("there is a connection") { client.isUp }
                let answers = await withTaskGroup(of: (Int64, [Int64]).self) { group in
                    for number in 1...1_000 {
                        group.addTask {
                            let answer = await Self.run(client, Self.add, Int64(number))
                            return (Int64(number), (try? answer.get()) ?? [])
                        }
                    }
                    return await group.reduce(into: []) { $0.append($1) }
                }
                #expect(answers.allSatisfy { $1.count == 2 && $1[0] == $0 + 1 })
                #expect(answers.map(\.1).map { $0.last ?? 0 }.max() == 500_500)
            }
        }
    }

    @Test("what a script refuses is the caller's error and costs nobody the connection")
    func refusal() async throws {
        try await RedisServer.with { server in
            try await Self.with(server.url) { client in
                try await eventually("there is a connection") { client.isUp }
                guard case .failure(.refused(let words)) = await Self.run(client, Self.wrong) else {
                    Issue.record("the script was not refused")
                    return
                }
                #expect(words.contains("no"))
                #expect(await Self.run(client) == .success([2, 1]))
            }
        }
    }

    @Test("while the server is away calls fail at once, and go on when it is back, with its scripts")
    func away() async throws {
        try await RedisServer.with { server in
            try await Self.with(server.url) { client in
                try await eventually("there is a connection") { client.isUp }
                await server.stop()
                try await eventually("the end of the connection is noticed") { await Self.run(client) == .failure(.down) }
                let started = ContinuousClock.now
                for _ in 0..<100 { #expect(await Self.run(client) == .failure(.down)) }
                #expect(ContinuousClock.now - started < .milliseconds(200))
                try await server.start()
                try await eventually("it works again") { await Self.run(client) == .success([2, 1]) }
            }
        }
    }

    @Test("nobody waits longer than the budget for a slow server, and it is asked again when it is quick")
    func slow() async throws {
        try await RedisServer.with { server in
            let road = try await SlowRoad.to(port: server.port)
            defer { road.stop() }
            try await Self.with("redis://127.0.0.1:\(road.port)", budget: .milliseconds(20)) { client in
                try await eventually("there is a connection") { client.isUp }
                road.slowDown(by: .milliseconds(400))
                let started = ContinuousClock.now
                #expect(await Self.run(client) == .failure(.slow))
                // The budget, and what a busy machine adds.
                #expect(ContinuousClock.now - started < .milliseconds(150))
                #expect(await Self.run(client) == .failure(.down))
                road.slowDown(by: .zero)
                try await eventually("it works again") { (try? await Self.run(client).get()) != nil }
            }
        }
    }

    @Test("password and database of the URL are used")
    func database() async throws {
        try await RedisServer.with { server in
            try await Self.with("redis://127.0.0.1:\(server.port)/3") { client in
                try await eventually("there is a connection") { client.isUp }
                #expect(await Self.run(client) == .success([2, 1]))
            }
            try await Self.with(server.url) { client in
                try await eventually("there is a connection") { client.isUp }
                #expect(await Self.run(client) == .success([2, 1]))
            }
            // This server asks for no password, and says so to whoever sends one.
            try await Self.with("redis://:secret@127.0.0.1:\(server.port)") { client in
                #expect(await Self.run(client) == .failure(.down))
            }
        }
    }

    @Test(
        "a URL is read",
        arguments: [
            ("redis://localhost", "localhost", 6379, nil, nil, 0), ("redis://:s%40@db:7000/2", "db", 7000, nil, "s@", 2),
            ("redis://ann:pw@db", "db", 6379, "ann", "pw", 0),
        ] as [(String, String, Int, String?, String?, Int)])
    func url(text: String, host: String, port: Int, user: String?, password: String?, database: Int) throws {
        let read = try RedisConfiguration(url: text)
        #expect(read.host == host && read.port == port && read.user == user && read.password == password && read.database == database)
    }

    @Test(
        "a URL that is none is refused",
        arguments: ["", "localhost", "http://localhost", "redis://", "redis://h/x", "redis://h/-1", "redis://h?a=b"])
    func malformed(text: String) {
        #expect(throws: Fault.self) { try RedisConfiguration(url: text) }
    }
}
