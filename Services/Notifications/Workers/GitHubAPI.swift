import Foundation
import Outbound
import Primitives

/// The few requests of GitHub's API that check runs take.
struct GitHubAPI: Sendable {
    let outbound: OutboundClient
    let policy: EgressPolicy
    let url: String
    let repository: String
    let token: Secret<String>

    /// An answer other than 2xx, or none.
    struct Refusal: Error {
        let outcome: GitHubChecks.Outcome
    }

    struct Found: Decodable {
        let id: Int64
        let externalId: String?
        let status: String
        let output: Output?

        struct Output: Decodable { let annotationsCount: Int? }

        var known: CheckRun.Known { CheckRun.Known(isCompleted: status == "completed", annotations: output?.annotationsCount ?? 0) }
    }

    private struct Listed: Decodable { let checkRuns: [Found] }

    /// The check run of this event, if an earlier attempt has made it. The newest hundred of this name are looked through.
    func find(_ run: CheckRun) async throws -> Found? {
        let name = run.name.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        let path = "/commits/\(run.headSha)/check-runs?check_name=\(name)&filter=all&per_page=100"
        return try await read(path, as: Listed.self)?.checkRuns.first { $0.externalId == run.externalID }
    }

    func send(_ step: CheckRun.Step, to id: Int64?) async throws -> (id: Int64, outcome: GitHubChecks.Outcome) {
        let path = if let id, !step.isCreation { "/check-runs/\(id)" } else { "/check-runs" }
        let (outcome, body) = await exchange(step.isCreation ? "POST" : "PATCH", path, step.body)
        guard case .status(200...299, _) = outcome.answer else { throw Refusal(outcome: outcome) }
        // Whatever answers so is not GitHub.
        guard let found = Self.decode(Found.self, body) else {
            throw Refusal(outcome: .init(answer: .nothing(code: "unexpected_answer", blocked: false), excerpt: outcome.excerpt))
        }
        return (found.id, outcome)
    }

    func read<Value: Decodable>(_ path: String, as type: Value.Type) async throws -> Value? {
        let (outcome, body) = await exchange("GET", path, Data())
        guard case .status(200...299, _) = outcome.answer else { throw Refusal(outcome: outcome) }
        return Self.decode(type, body)
    }

    func outcome(_ method: String, _ path: String) async -> GitHubChecks.Outcome { await exchange(method, path, Data()).outcome }

    private func exchange(_ method: String, _ path: String, _ body: Data) async -> (outcome: GitHubChecks.Outcome, body: Data) {
        do {
            var headers = [
                HTTPHeader("Accept", "application/vnd.github+json"), HTTPHeader("Authorization", "Bearer \(token.reveal())"),
                HTTPHeader("User-Agent", "Assay-Checks/1"), HTTPHeader("X-GitHub-Api-Version", GitHubChecks.version),
            ]
            if !body.isEmpty { headers.append(HTTPHeader("Content-Type", "application/json")) }
            let target = try TargetURL((url.hasSuffix("/") ? String(url.dropLast()) : url) + "/repos/\(repository)" + path)
            var limits = TransferLimits()
            limits.body = 4 << 20
            let response = try await outbound.send(
                HTTPRequest(method: method, url: target, headers: headers, body: body, limits: limits), policy: policy)
            let excerpt = String(decoding: response.body.prefix(Attempt.maxExcerptBytes), as: UTF8.self).replacing("\0", with: "")
            return (.init(answer: .status(response.status, retryAfter: Self.pause(response)), excerpt: excerpt), response.body)
        } catch {
            let isBlocked = if case .blockedTarget = error { true } else { false }
            return (.init(answer: .nothing(code: error.code, blocked: isBlocked), excerpt: error.detail), Data())
        }
    }

    /// What GitHub asks for, by one header for bursts and by another when the hour's requests are used up.
    private static func pause(_ response: HTTPResponse) -> Duration? {
        if let seconds = response.headers.first("Retry-After").flatMap(Int.init) { return .seconds(max(0, seconds)) }
        guard response.headers.first("X-RateLimit-Remaining") == "0", let reset = response.headers.first("X-RateLimit-Reset").flatMap(Double.init)
        else {
            return nil
        }
        return .seconds(max(0, reset - Date().timeIntervalSince1970))
    }

    private static func decode<Value: Decodable>(_ type: Value.Type, _ data: Data) -> Value? {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try? decoder.decode(type, from: data)
    }
}
