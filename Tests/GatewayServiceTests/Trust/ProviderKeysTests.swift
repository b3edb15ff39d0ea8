import Foundation
import Logging
import Outbound
import Primitives
import Synchronization
import TestSupport
import Testing

@testable import GatewayService

/// How often issuers are asked, and what for (T45, T58). Time is what the tests say it is.
@Suite("Keys of providers")
struct ProviderKeysTests {
    private static let start = Date(timeIntervalSince1970: 1_800_000_000)

    /// An issuer whose answer can be changed, and which counts.
    private final class Issuer: Sendable {
        struct State: Sendable {
            var signers: [TokenSigner]
            var isDown = false
            var count = 0
            var gate: AsyncStream<Void>?
        }

        let state: Mutex<State>

        init(_ signers: [TokenSigner]) { state = Mutex(State(signers: signers)) }

        var count: Int { state.withLock { $0.count } }

        func keys() async throws -> ProviderKeySet {
            let (signers, isDown, gate) = state.withLock { state in
                state.count += 1
                return (state.signers, state.isDown, state.gate)
            }
            if let gate { for await _ in gate { break } }
            if isDown { throw Fault.providerUnreachable }
            guard let keys = ProviderKeySet(json: TokenSigner.json(["keys": signers.compactMap { try? $0.jwk() }])) else {
                throw Fault.providerUnreachable
            }
            return keys
        }
    }

    private static func keys(_ issuer: Issuer) -> ProviderKeys { ProviderKeys(logger: .silent) { _ in try await issuer.keys() } }

    @Test("ten thousand unknown key ids make one request a minute, and known keys are served meanwhile (T45)")
    func flood() async throws {
        let signer = try TokenSigner(.p256)
        let issuer = Issuer([signer])
        let keys = Self.keys(issuer)
        #expect(try await keys.key(signer.id, of: "i", now: Self.start) != nil)
        for minute in 1...3 {
            for attempt in 0..<10_000 {
                let now = Self.start + Double(minute) * 60 + Double(attempt) * 0.005
                #expect(try await keys.key("unknown \(attempt)", of: "i", now: now) == nil)
            }
            #expect(issuer.count == 1 + minute)
        }
        #expect(try await keys.key(signer.id, of: "i", now: Self.start + 239) != nil)
        #expect(issuer.count == 4)
    }

    @Test("many who wait for the same issuer wait for one request")
    func singleFlight() async throws {
        let signer = try TokenSigner(.p256)
        let issuer = Issuer([signer])
        let (gate, opening) = AsyncStream.makeStream(of: Void.self)
        issuer.state.withLock { $0.gate = gate }
        let keys = Self.keys(issuer)
        let found = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<200 { group.addTask { try await keys.key(signer.id, of: "i", now: Self.start) != nil } }
            try await eventually { issuer.count == 1 }
            opening.finish()
            return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(found == 200 && issuer.count == 1)
    }

    @Test("a new key is found within a minute, and one that was withdrawn is good for ten at most")
    func rotation() async throws {
        let (old, new) = (try TokenSigner(.p256), try TokenSigner(.p256))
        let issuer = Issuer([old])
        let keys = Self.keys(issuer)
        #expect(try await keys.key(old.id, of: "i", now: Self.start) != nil)
        issuer.state.withLock { $0.signers = [new] }
        #expect(try await keys.key(new.id, of: "i", now: Self.start + 59) == nil)
        #expect(try await keys.key(old.id, of: "i", now: Self.start + 59) != nil)
        #expect(try await keys.key(new.id, of: "i", now: Self.start + 60) != nil)
        #expect(try await keys.key(old.id, of: "i", now: Self.start + 61) == nil)

        let other = Issuer([old])
        let others = Self.keys(other)
        #expect(try await others.key(old.id, of: "i", now: Self.start) != nil)
        other.state.withLock { $0.signers = [new] }
        #expect(try await others.key(old.id, of: "i", now: Self.start + 599) != nil)
        #expect(try await others.key(old.id, of: "i", now: Self.start + 600) == nil)
    }

    @Test("an issuer that is away is asked every ten seconds while nothing is known of it, later once a minute, and its keys serve for an hour")
    func away() async throws {
        let signer = try TokenSigner(.p256)
        let issuer = Issuer([signer])
        let keys = Self.keys(issuer)
        issuer.state.withLock { $0.isDown = true }
        for seconds in 0..<20 {
            await #expect(throws: Fault.providerUnreachable) { try await keys.key(signer.id, of: "i", now: Self.start + Double(seconds)) }
        }
        #expect(issuer.count == 2)
        issuer.state.withLock { $0.isDown = false }
        #expect(try await keys.key(signer.id, of: "i", now: Self.start + 20) != nil)
        issuer.state.withLock { $0.isDown = true }
        #expect(try await keys.key(signer.id, of: "i", now: Self.start + 3_000) != nil)
        // Whether an unknown one is a new one nobody can say.
        await #expect(throws: Fault.providerUnreachable) { try await keys.key("other", of: "i", now: Self.start + 3_001) }
        #expect(issuer.count == 4)
        await #expect(throws: Fault.providerUnreachable) { try await keys.key(signer.id, of: "i", now: Self.start + 3_620) }
    }

    @Test("no more than five hundred issuers are remembered, and each is asked for itself")
    func bounded() async throws {
        let signer = try TokenSigner(.p256)
        let issuer = Issuer([signer])
        let keys = Self.keys(issuer)
        for number in 0..<1_200 { #expect(try await keys.key(signer.id, of: "i\(number)", now: Self.start + Double(number) / 100) != nil) }
        #expect(issuer.count == 1_200)
        #expect(try await keys.key(signer.id, of: "i1199", now: Self.start + 12) != nil)
        #expect(issuer.count == 1_200)
        #expect(try await keys.key(signer.id, of: "i0", now: Self.start + 12) != nil)
        #expect(issuer.count == 1_201)
    }

    // MARK: - Over the wire

    private static let loopback = ["127.0.0.0/8", "::1/128"].compactMap { try? Network($0) }

    @Test("keys come from where the discovery document says, and its issuer is the one that was asked")
    func discovery() async throws {
        let provider = try await MockProvider.start()
        defer { provider.stop() }
        let client = ProviderClient(networks: Self.loopback)
        #expect(try await client.keys(of: provider.issuer).keys.keys.sorted() == [provider.signer.id])
        let issuer = provider.issuer
        provider.answer { request in
            request.target.hasSuffix("openid-configuration")
                ? .json(#"{"issuer":"https://token.actions.githubusercontent.com","jwks_uri":"\#(issuer)/jwks"}"#) : nil
        }
        await #expect(throws: ProviderClient.Failure.self) { try await client.keys(of: issuer) }
    }

    @Test("whatever else an issuer answers is no key set: redirects, errors, too much, nothing (T58)")
    func misbehaving() async throws {
        let provider = try await MockProvider.start()
        defer { provider.stop() }
        let elsewhere = try await MockProvider.start()
        defer { elsewhere.stop() }
        let client = ProviderClient(networks: Self.loopback)
        let (issuer, other) = (provider.issuer, elsewhere.issuer)
        let answers: [(String, MockProvider.Answer)] = [
            ("a redirect", { _ in .redirect(to: other + "/.well-known/openid-configuration") }),
            ("a redirect of the keys", { $0.target == "/jwks" ? .redirect(to: other + "/jwks") : nil }),
            ("an error", { _ in .text("no", status: 500) }), ("no JSON", { _ in .text("<html>") }), ("nothing", { _ in .json("") }),
            ("a list", { _ in .json("[]") }), ("two issuers", { _ in .json(#"{"issuer":"a","issuer":"b","jwks_uri":"c"}"#) }),
            ("no address", { _ in .json(#"{"issuer":"\#(issuer)"}"#) }),
            ("a file", { $0.target == "/jwks" ? nil : .json(#"{"issuer":"\#(issuer)","jwks_uri":"file:///etc/passwd"}"#) }),
            ("a name by http", { $0.target == "/jwks" ? nil : .json(#"{"issuer":"\#(issuer)","jwks_uri":"http://localhost/jwks"}"#) }),
            ("metadata", { $0.target == "/jwks" ? nil : .json(#"{"issuer":"\#(issuer)","jwks_uri":"http://169.254.169.254/latest"}"#) }),
            ("userinfo", { $0.target == "/jwks" ? nil : .json(#"{"issuer":"\#(issuer)","jwks_uri":"http://a@127.0.0.1/jwks"}"#) }),
            ("two MiB", { $0.target == "/jwks" ? .json("{\"keys\":[],\"x\":\"" + String(repeating: "x", count: 2 << 20) + "\"}") : nil }),
            ("no keys", { $0.target == "/jwks" ? .json("{}") : nil }),
        ]
        for (name, answer) in answers {
            provider.answer(answer)
            await #expect(throws: (any Error).self, "\(name)") { try await client.keys(of: issuer) }
        }
        #expect(elsewhere.count == 0)
    }

    @Test("an issuer that keeps us waiting has five seconds (T58)")
    func slow() async throws {
        let server = try await LoopbackServer.start(delay: .seconds(30)) { _ in .json("{}") }
        defer { server.stop() }
        let elapsed = await ContinuousClock().measure {
            await #expect(throws: OutboundError.self) { try await ProviderClient(networks: Self.loopback).keys(of: server.url) }
        }
        #expect(elapsed > .seconds(4) && elapsed < .seconds(8))
    }

    @Test("an issuer on a private address is not asked unless the operator says so (T58, T70)")
    func privateAddress() async throws {
        let provider = try await MockProvider.start()
        defer { provider.stop() }
        let client = ProviderClient(networks: [])
        await #expect(throws: OutboundError.self) { try await client.keys(of: provider.issuer) }
        #expect(provider.count == 0)
    }

    @Test(
        "an address that is no issuer's is refused when a policy is written (T70–T75)",
        arguments: [
            "http://token.example.com", "http://8.8.8.8", "https://127.0.0.1", "https://10.0.0.1", "https://169.254.169.254", "https://[::1]",
            "https://[fd00::1]", "https://a@b.example.com", "https://gitlab.example.com/", "https://gitlab.example.com?x=1",
            "https://gitlab.example.com#x", "https://gitlab.example.com:22", "ftp://gitlab.example.com", "gitlab.example.com", "https://2130706433",
            "https://0x7f000001", "https://gitlab.example.com\\@evil", "https://", "",
        ])
    func badIssuer(issuer: String) {
        let fault = #expect(throws: Fault.self) { try ProviderClient(networks: []).check(issuer: issuer) }
        #expect(fault?.fields.first?.pointer == "/issuer")
    }

    @Test(
        "one that may be asked is taken",
        arguments: [
            "https://token.actions.githubusercontent.com", "https://gitlab.com", "https://git.example.com/_services/token",
            "https://git.example.com:8443",
        ])
    func goodIssuer(issuer: String) throws {
        try ProviderClient(networks: []).check(issuer: issuer)
        try ProviderClient(networks: Self.loopback).check(issuer: "http://127.0.0.1:8080")
    }
}
