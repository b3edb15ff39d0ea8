import Foundation
import NIOCore
import NIOHTTP1

/// Brings uploads from the outbox to the server: again and again while that may help, once as far as the server is concerned.
struct UploadSender: Sendable {
    let connection: APIConnection
    let outbox: Outbox
    var retries = RetryPolicy()
    /// Whether a key that may not upload leaves what waits in the outbox: it was another key's when it was put there.
    var keepsWithoutPermission = false
    /// Says what people should know and what stops nothing.
    var warn: @Sendable (String) -> Void = { _ in }
    /// The server gives uploads a minute, and may then wait for the run.
    static let patience = TimeAmount.seconds(120)

    /// Sends one entry and removes it when the server has answered for good, whether yes or no.
    /// - Returns: `nil` when another process is sending it, or has sent it, or it was dropped.
    /// - Throws: `unreachable` when it stays in the outbox, `refused` when the server does not want it.
    func send(_ name: Outbox.Name, _ entry: OutboxEntry) async throws -> UploadReceipt? {
        guard let body = outbox.open(name) else { return nil }
        let clock = ContinuousClock()
        var start = clock.now
        var attempt = 1
        var progress = UploadProgress()
        var (entry, pieces) = (entry, body.pieces)
        var owners = entry.owners
        while true {
            // Before the results, whose owners are found when they arrive.
            if let file = owners, await hasAnswered(file, of: entry.project) { owners = nil }
            let before = progress.offset
            var failure: ClientFailure
            var retryAfter: Duration?
            do {
                let answer = try await once(entry, pieces, progress)
                if answer.status < 300 {
                    var receipt = try APIConnection.decode(UploadReceipt.self, answer.body)
                    // Somebody has sent this before; a second try of ours has only lost the answer to the first.
                    if attempt == 1, answer.headers.first(name: "idempotent-replayed") == "true" { receipt.duplicate = true }
                    if entry.finishes, let state = try await connection.finish(receipt.runId) { receipt.runState = state }
                    outbox.remove(name)
                    return receipt
                }
                let problem = APIProblem(status: answer.status, body: answer.body)
                failure = .refused(problem)
                retryAfter = answer.retryAfter
                // A server of before the fields would refuse reports as well.
                if let offset = entry.ending, problem.refusesEnding {
                    entry = try outbox.cutEnding(of: entry, at: offset, name)
                    pieces = pieces[0..<entry.bytes]
                    progress = UploadProgress()
                    warn("the server is older than this program: it takes the reports, and not how the command ended")
                    continue
                }
                guard problem.isPassing else {
                    if !(keepsWithoutPermission && failure.exitStatus == .authentication) { outbox.remove(name) }
                    throw failure
                }
            } catch let error as ClientFailure {
                guard case .unreachable = error else { throw error }
                // A server that refuses without reading looks like one that went away; who only asks is told why.
                if attempt == 1 { try await explain(removing: name) }
                failure = error
            }
            // A line on which something gets through is not given up.
            if progress.offset > before {
                attempt = 1
                start = clock.now
            }
            guard let delay = retries.delay(attempt: attempt, elapsed: clock.now - start, retryAfter: retryAfter, chance: .random(in: 0...1)) else {
                throw failure.asUnreachable
            }
            attempt += 1
            try await Task.sleep(for: delay)
        }
    }

    /// Sends what waits for this server, oldest first, until one does not get through.
    func flush(except: Outbox.Name? = nil) async -> Flushed {
        var result = Flushed()
        var sender = self
        sender.keepsWithoutPermission = true
        for (name, entry) in outbox.list() where name != except {
            guard entry.url == connection.url else {
                result.waiting += 1
                continue
            }
            do {
                if try await sender.send(name, entry) != nil { result.sent += 1 } else { result.waiting += 1 }
            } catch let failure as ClientFailure {
                if failure.exitStatus == .usage { result.refused += 1 } else { result.waiting += 1 }
                result.failure = failure
                if failure.exitStatus == .unreachable || failure.exitStatus == .authentication { break }
            } catch {
                break
            }
        }
        return result
    }

    struct Flushed: Sendable {
        var sent = 0
        var waiting = 0
        var refused = 0
        var failure: ClientFailure?
    }

    private func once(_ entry: OutboxEntry, _ body: FilePieces, _ progress: UploadProgress) async throws -> APIConnection.Answer {
        if body.count > Self.large { return try await inPieces(entry, body, progress) }
        return try await connection.send(
            .POST, entry.path, query: entry.queryItems, file: body, headers: Self.headers(of: entry), patience: Self.patience)
    }

    static func headers(of entry: OutboxEntry) -> [(String, String)] {
        [("content-type", "multipart/form-data; boundary=\(entry.boundary)"), ("idempotency-key", entry.key)]
    }

    /// Sends a CODEOWNERS file. Results are worth more than their owners, so nothing of this keeps them back.
    /// - Returns: `false` when it is worth trying again.
    private func hasAnswered(_ file: CodeOwnersFile, of project: String) async -> Bool {
        do {
            _ = try await connection.put(
                "/api/v1/projects/\(project.percentEncoded)/code-owners", json: file.json, headers: [("if-match", "*")], patience: .seconds(10))
        } catch let failure as ClientFailure {
            guard case .refused(let problem) = failure else { return false }
            if problem.isPassing { return false }
            // A fork may not say who owns what, and a server may be older than this.
            if file.isNamed || ![401, 403, 404, 405].contains(problem.status) { warn("the code owners were not taken: \(problem)") }
        } catch {
            return false
        }
        return true
    }

    private func explain(removing name: Outbox.Name) async throws {
        do {
            _ = try await connection.get("/api/v1/me", patience: .seconds(5))
        } catch let failure as ClientFailure where failure.exitStatus == .authentication {
            if !keepsWithoutPermission { outbox.remove(name) }
            throw failure
        } catch is ClientFailure {
            return
        }
    }
}

extension ClientFailure {
    /// Of what may pass and did not within our patience.
    fileprivate var asUnreachable: ClientFailure {
        if case .refused(let problem) = self { return .unreachable("the server is busy: \(problem)") }
        return self
    }
}
