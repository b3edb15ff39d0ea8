import Audit
import CommonAPI
import ExecutionAPI
import Foundation
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf
import Synchronization

@testable import GatewayService

/// Secrets as Execution keeps them. Their values are kept beside them, as in Execution, and are in no answer.
final class FakeSecrets: PBSecrets.SimpleServiceProtocol {
    struct State: Sendable {
        /// In the order of their making.
        var secrets: [PBSecret] = []
        /// By the id of the secret.
        var values: [String: String] = [:]
        /// By the idempotency key of the request that made or changed them last.
        var made: [String: String] = [:]
        var changed: [String: String] = [:]
        var count = 0
        /// As many as a project may have.
        var most = 100

        mutating func add(_ secret: PBSecret, value: String) -> PBSecret {
            count += 1
            var secret = secret
            secret.id = "sec_\(count)"
            secret.version = 1
            secret.updatedAt = .init(date: Date())
            secrets.append(secret)
            values[secret.id] = value
            return secret
        }

        func index(_ id: String) throws(Fault) -> Int {
            guard let index = secrets.firstIndex(where: { $0.id == id }) else { throw .notFound("secret", id) }
            return index
        }
    }

    let state = Mutex(State())

    /// Puts one there that somebody else has made.
    func put(_ name: String, environment: String = "", hosts: [String] = ["https://api.example.com"], project: String = "web") {
        let secret = PBSecret.with {
            $0.project = project
            $0.name = name
            $0.environment = environment
            $0.hosts = hosts
            $0.updatedBy = "usr_1"
        }
        state.withLock { _ = $0.add(secret, value: "value-of-\(name)") }
    }

    func createSecret(request: PBCreateSecretRequest, context: ServerContext) async throws -> PBSecret {
        AuditedCall.changedNothing()
        guard request.name.first?.isLetter == true, !request.name.contains(" ") else {
            throw Fault.invalidField("/name", "invalid_name", "A name is a letter or _ and up to 56 letters, digits, _, . or -.")
        }
        guard request.environment.count <= 100 else {
            throw Fault.invalidField("/environment", "length", "At most 100 characters are allowed, and no NUL.")
        }
        try check(value: request.value)
        let hosts = try checked(request.hosts)
        let secret = PBSecret.with {
            $0.project = request.project
            $0.name = request.name
            $0.environment = request.environment
            $0.hosts = hosts
            $0.updatedBy = Caller.current.actor
        }
        let key = Caller.current.idempotencyKey
        return try state.withLock { state in
            if let key, let id = state.made[key] { return state.secrets[try state.index(id)] }
            guard state.secrets.count < state.most else {
                throw Fault(.precondition, "secrets.full", "The project has \(state.most) secrets, which is all it may have.")
            }
            guard !state.secrets.contains(where: { $0.name == secret.name && $0.environment == secret.environment }) else {
                throw Fault(.conflict, "secrets.name_taken", "The project has a secret \(secret.name) for all environments already.")
            }
            let made = state.add(secret, value: request.value)
            if let key { state.made[key] = made.id }
            return made
        }
    }

    /// Newest first; a cursor is how many came before.
    func listSecrets(request: PBListSecretsRequest, context: ServerContext) async throws -> PBListSecretsResponse {
        let all = state.withLock { Array($0.secrets.filter { $0.project == request.project }.reversed()) }
        let start = Int(request.cursor) ?? 0
        let shown = Array(all.dropFirst(start).prefix(Int(request.limit)))
        let end = start + shown.count
        return .with {
            $0.data = shown
            $0.page = .with {
                $0.hasMore_p = end < all.count
                $0.nextCursor = end < all.count ? "\(end)" : ""
            }
        }
    }

    func getSecret(request: PBGetSecretRequest, context: ServerContext) async throws -> PBSecret {
        try state.withLock { $0.secrets[try $0.index(request.secret)] }
    }

    func updateSecret(request: PBUpdateSecretRequest, context: ServerContext) async throws -> PBSecret {
        AuditedCall.changedNothing()
        if request.hasValue { try check(value: request.value) }
        let hosts = try checked(request.hosts)
        let key = Caller.current.idempotencyKey
        return try state.withLock { state in
            let index = try state.index(request.secret)
            if let key, state.changed[request.secret] == key { return state.secrets[index] }
            guard state.secrets[index].version == request.version else { throw Fault.versionStale }
            state.secrets[index].hosts = hosts
            state.secrets[index].version += 1
            if request.hasValue { state.values[request.secret] = request.value }
            state.changed[request.secret] = key
            return state.secrets[index]
        }
    }

    func deleteSecret(request: PBDeleteSecretRequest, context: ServerContext) async throws -> PBEmpty {
        AuditedCall.changedNothing()
        try state.withLock { state in
            let index = try state.index(request.secret)
            guard state.secrets[index].version == request.version else { throw Fault.versionStale }
            state.secrets.remove(at: index)
        }
        return PBEmpty()
    }

    private func check(value: String) throws(Fault) {
        guard (6...4096).contains(value.utf8.count) else {
            throw .invalidField("/value", "length", "A secret has 6 to 4,096 bytes and no NUL.")
        }
    }

    private func checked(_ hosts: [String]) throws(Fault) -> [String] {
        guard !hosts.isEmpty else { throw .invalidField("/hosts", "length", "A secret has 1 to 20 hosts that it may be sent to.") }
        for (index, host) in hosts.enumerated() where host.hasSuffix("/") {
            throw .invalidField("/hosts/\(index)", "invalid_host", "A host has no path: https://api.example.com")
        }
        return hosts
    }
}
