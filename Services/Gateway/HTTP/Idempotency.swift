import Crypto
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Primitives
import ServiceKit
import SwiftProtobuf

/// Carries a request with an Idempotency-Key out once, and answers every repetition with what the first one got (T107–T109).
///
/// Answers are stored sealed, because some hold a secret that is shown once. What may pass (5xx, 429) is not stored.
struct Idempotency: Sendable {
    private let store: IdempotencyStore
    private let key: SymmetricKey
    private let publicURL: String
    private let logger: Logger

    /// `secret` is shared by all gateways; the key is derived from it.
    init(store: IdempotencyStore, secret: Data, publicURL: String, logger: Logger) {
        self.store = store
        self.publicURL = publicURL
        self.logger = logger
        key = HKDF<SHA256>.deriveKey(inputKeyMaterial: SymmetricKey(data: secret), info: Data("assay idempotency 1".utf8), outputByteCount: 32)
    }

    /// An answer, given now or earlier.
    struct Answer: Sendable {
        let status: Int
        let body: [UInt8]
        let isReplay: Bool

        /// For a refusal, whose body is the problem document.
        var problemResponse: Response {
            var headers: HTTPFields = [.contentType: Problem.mediaType]
            if isReplay { headers[.idempotentReplayed] = "true" }
            return Response(status: HTTPResponse.Status(code: status), headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
        }
    }

    /// Of what was understood, not of what was written: a client that repeats a request may order its members differently.
    static func fingerprint(of message: some SwiftProtobuf.Message) throws -> Data {
        var options = BinaryEncodingOptions()
        options.useDeterministicOrdering = true
        let bytes: [UInt8] = try message.serializedBytes(options: options)
        return Data(SHA256.hash(data: bytes))
    }

    static func fingerprint(of values: [(name: String, value: String)]) -> Data {
        let parts = values.flatMap { [$0.name, $0.value] }
        return Data(SHA256.hash(data: parts.reduce(into: Data()) { $0.append(contentsOf: Array("\($1.utf8.count):\($1)".utf8)) }))
    }

    /// `work`: gets the key that goes to the service in place of the user's, and gives status and JSON of a success.
    /// - Throws: `idempotency_mismatch`, `idempotency.running`, and what `work` throws, if that may pass.
    func carryOut(
        _ exchange: Exchange, key text: IdempotencyKey, route: String, fingerprint: Data,
        _ work: (_ forwarded: String) async throws -> (status: Int, body: [UInt8])
    ) async throws -> Answer {
        guard let identity = exchange.principal?.identity else { throw Fault.keyMissing }
        let request = IdempotencyStore.Request(
            tenant: identity.tenant, principal: identity.actor.description, route: route, key: text.text, fingerprint: fingerprint)
        switch try await store.claim(request) {
        case .done(let status, let body):
            return Answer(status: status, body: try open(body, fingerprint), isReplay: true)
        case .claimed(let epoch, let forwarded):
            let answer: Answer
            // A claimant that dies is silent at once, so its client need not wait for as long as the longest upload may take.
            let renewing = Task { [store] in
                while true {
                    try await Task.sleep(for: .seconds(IdempotencyStore.lease) / 3)
                    try? await store.renew(request, epoch: epoch)
                }
            }
            defer { renewing.cancel() }
            do {
                let (status, body) = try await work(forwarded.uuidString.lowercased())
                answer = Answer(status: status, body: body, isReplay: false)
            } catch {
                let fault = Fault(answering: error)
                guard !fault.kind.isPassing else {
                    await afterwards("released") { try await store.release(request, epoch: epoch) }
                    throw error
                }
                let problem = Problem(fault, publicURL: publicURL)
                let json = problem.json(instance: exchange.target.path, requestID: exchange.requestID)
                answer = Answer(status: problem.status.code, body: Array(json.utf8), isReplay: false)
            }
            let sealed = try seal(answer.body, fingerprint)
            await afterwards("stored") { try await store.finish(request, epoch: epoch, status: answer.status, body: sealed) }
            return answer
        }
    }

    /// The work is done, so its answer goes out whatever happens here: the lease runs out, and a repetition finds upstream what was made.
    private func afterwards(_ what: String, _ operation: () async throws -> Void) async {
        do {
            try await operation()
        } catch {
            logger.warning("an idempotent answer could not be \(what)", metadata: ["cause": "\(String(reflecting: error))"])
        }
    }

    private func seal(_ body: [UInt8], _ fingerprint: Data) throws -> Data {
        guard let sealed = try AES.GCM.seal(body, using: key, authenticating: fingerprint).combined else { throw Fault(.internal, "internal", "") }
        return sealed
    }

    private func open(_ sealed: Data, _ fingerprint: Data) throws -> [UInt8] {
        guard let box = try? AES.GCM.SealedBox(combined: sealed), let body = try? AES.GCM.open(box, using: key, authenticating: fingerprint) else {
            throw Fault(
                .conflict, "idempotency.unreadable", "The first answer can no longer be read, because the signing key was changed. Use a new key.")
        }
        return Array(body)
    }
}
