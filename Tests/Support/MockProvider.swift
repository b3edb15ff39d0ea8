import Foundation
import Synchronization

/// A provider of ID tokens on a free port of 127.0.0.1: discovery document, key set, and tokens as GitHub makes them.
package final class MockProvider: Sendable {
    package typealias Answer = @Sendable (LoopbackServer.Request) -> LoopbackServer.Response?

    private struct State: Sendable {
        var signers: [TokenSigner]
        var answer: Answer?
    }

    private let server: LoopbackServer
    private let state: SharedState

    /// Handler and provider both have it.
    private final class SharedState: Sendable {
        let value: Mutex<State>
        init(_ state: State) { value = Mutex(state) }
    }

    private init(server: LoopbackServer, state: SharedState) {
        self.server = server
        self.state = state
    }

    package static func start(_ kind: TokenSigner.Kind = .rsa) async throws -> MockProvider {
        let state = SharedState(State(signers: [try TokenSigner(kind)]))
        let server = try await LoopbackServer.start { request in
            let (signers, answer) = state.value.withLock { ($0.signers, $0.answer) }
            if let response = answer?(request) { return response }
            let issuer = "http://\(request.header("host") ?? "")"
            switch request.target {
            case "/.well-known/openid-configuration":
                return .json(#"{"issuer":"\#(issuer)","jwks_uri":"\#(issuer)/jwks","id_token_signing_alg_values_supported":["RS256"]}"#)
            case "/jwks":
                let keys = signers.compactMap { try? $0.jwk() }
                return .json(String(decoding: TokenSigner.json(["keys": keys]), as: UTF8.self))
            default: return .text("there is nothing here", status: 404)
            }
        }
        return MockProvider(server: server, state: state)
    }

    package func stop() { server.stop() }

    /// Without a slash at its end.
    package var issuer: String { server.url }

    package var signer: TokenSigner { state.value.withLock { $0.signers[$0.signers.count - 1] } }

    /// How often its keys were asked for.
    package var keyRequests: Int { server.requests.count { $0.target == "/jwks" } }

    /// How often anything was.
    package var count: Int { server.count }

    /// What is answered in place of the documents; `nil` for these.
    package func answer(_ answer: Answer?) { state.value.withLock { $0.answer = answer } }

    /// Signs with another key from now on.
    /// - Parameter keeping: whether the old one is shown as well.
    package func rotate(_ kind: TokenSigner.Kind = .rsa, keeping: Bool = false) throws {
        let signer = try TokenSigner(kind)
        state.value.withLock { $0.signers = (keeping ? $0.signers : []) + [signer] }
    }

    /// What GitHub says of a push to the main branch of `acme/web-shop`.
    package func claims(audience: String, now: Date = Date(), _ change: [String: Any?] = [:]) -> [String: Any] {
        let issuedAt = Int(now.timeIntervalSince1970)
        let all: [String: Any?] = [
            "iss": issuer, "aud": audience, "sub": "repo:acme/web-shop:ref:refs/heads/main", "iat": issuedAt, "nbf": issuedAt - 5,
            "exp": issuedAt + 300, "jti": UUID().uuidString, "repository": "acme/web-shop", "repository_owner": "acme", "repository_id": "42",
            "event_name": "push", "ref": "refs/heads/main", "ref_type": "branch", "head_ref": "", "base_ref": "", "sha": "c0ffee",
            "run_id": "4711", "run_attempt": "1", "run_number": "10", "actor": "octocat", "workflow": "CI", "environment": NSNull(),
        ]
        return all.merging(change) { $1 }.compactMapValues { $0 }
    }

    package func token(audience: String, now: Date = Date(), _ change: [String: Any?] = [:]) throws -> String {
        try signer.token(claims(audience: audience, now: now, change))
    }

    /// As a pull request says of itself.
    package static var pullRequest: [String: Any?] {
        [
            "event_name": "pull_request", "ref": "refs/pull/7/merge", "head_ref": "patch-1", "base_ref": "main",
            "sub": "repo:acme/web-shop:pull_request",
        ]
    }
}
