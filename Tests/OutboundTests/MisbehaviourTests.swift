import Foundation
import Outbound
import TestSupport
import Testing

/// T76: whatever the target does, the request ends in bounded time, with bounded memory and with its code.
@Suite struct MisbehaviourTests {
    static let cases: [(NastyServer.Script, String)] = [
        (.endlessBody, "response_too_large"), (.endlessChunks, "response_too_large"), (.hugeAnnounced, "response_too_large"),
        (.endlessHeaders, "response_too_large"), (.endlessInformational, "response_too_large"), (.hugeHeader, "response_too_large"),
        (.endlessHeaderLine, "response_too_large"), (.gzipBomb, "response_too_large"),
        (.silent, "timeout"), (.neverCloses, "timeout"), (.drip(every: .milliseconds(20)), "timeout"),
        (.garbage, "protocol_violation"), (.garbageLength, "protocol_violation"), (.garbageChunk, "protocol_violation"),
        (.zstandard, "protocol_violation"),
        (.shortBody, "connection_lost"), (.closesAtOnce, "connection_lost"),
        (.resetsAtOnce, "connection_lost"), (.resetsInBody, "connection_lost"),
    ]

    @Test("a server that misbehaves gives a code in bounded time", arguments: cases)
    func misbehaves(script: NastyServer.Script, code: String) async throws {
        let server = try await NastyServer.start(script)
        defer { server.stop() }
        var limits = TransferLimits()
        limits.total = .milliseconds(code == "timeout" ? 1500 : 20_000)
        let start = ContinuousClock.now
        #expect(await Open.client().failure(server.url, limits: limits)?.code == code, "\(script.name)")
        #expect(ContinuousClock.now - start < .seconds(19), "\(script.name)")
    }

    @Test("a bomb is recognised before it reaches the limit of the body")
    func bomb() async throws {
        let server = try await NastyServer.start(.gzipBomb)
        defer { server.stop() }
        #expect(await Open.client().failure(server.url) == .decompressionBomb)
    }

    @Test("a server that falls silent in the middle is given up after the idle time")
    func idle() async throws {
        let server = try await NastyServer.start(.neverCloses)
        defer { server.stop() }
        var limits = TransferLimits()
        limits.idle = .seconds(1)
        let start = ContinuousClock.now
        #expect(await Open.client().failure(server.url, limits: limits) == .timeout(.idle))
        #expect(ContinuousClock.now - start < .seconds(10))
    }

    @Test("a timeout names what was waited for")
    func steps() async throws {
        var limits = TransferLimits()
        limits.total = .milliseconds(300)
        for (script, step) in [
            (NastyServer.Script.silent, OutboundError.Step.firstByte), (.neverCloses, .body), (.drip(every: .milliseconds(20)), .body),
        ] {
            let server = try await NastyServer.start(script)
            defer { server.stop() }
            #expect(await Open.client().failure(server.url, limits: limits) == .timeout(step), "\(script.name)")
        }
        let silent = try await NastyServer.start(.silent)
        defer { silent.stop() }
        let secure = "https://127.0.0.1:\(silent.port)/"
        #expect(await Open.client().failure(secure, limits: limits) == .timeout(.tls))
    }

    @Test("a webhook's answer is cut, not failed", arguments: [NastyServer.Script.endlessBody, .endlessChunks, .hugeAnnounced])
    func cut(script: NastyServer.Script) async throws {
        let server = try await NastyServer.start(script)
        defer { server.stop() }
        let response = try await Open.client().get(server.url, policy: Open.webhooks, limits: .webhook)
        #expect(response.status == 200 && response.isCut && response.body.count == 64 << 10)
    }

    @Test("nobody listening is a connect failure")
    func refused() async throws {
        let server = try await LoopbackServer.start { _ in .text("") }
        server.stop()
        let client = Open.client()
        // Stopping takes a moment, during which the port still answers.
        try await eventually { await client.failure(server.url)?.code == "connect_failed" }
    }

    @Test("a client goes on after everything that can go wrong")
    func survives() async throws {
        let client = Open.client()
        for (script, code) in Self.cases where code != "timeout" {
            let server = try await NastyServer.start(script)
            _ = await client.failure(server.url)
            server.stop()
        }
        let good = try await LoopbackServer.start { _ in .text("fine") }
        defer { good.stop() }
        #expect(try await client.get(good.url).text == "fine")
    }
}
