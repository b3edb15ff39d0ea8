import Foundation
import Primitives
import Sealing

/// Codes of authenticator apps and recovery codes, each good once, with a cap on tries (T55).
struct SecondFactors: Sendable {
    static let limit = 5
    static let window: TimeInterval = 15 * 60

    let people: PeopleStore
    let tries: SignInStore
    let vault: Vault

    /// Whether the code is good; it is not any more afterwards.
    /// - Throws: `auth.too_many_attempts`.
    func accept(_ code: String, of person: Person, sealed: Data, lastStep: Int64?, now: Date) async throws -> Bool {
        let wait = try await tries.beginCode(of: person.id, limit: Self.limit, window: Self.window, now: now)
        if let wait { throw Fault.tooManyAttempts(retryAfter: .milliseconds(Int64((wait * 1_000).rounded(.up)))) }
        guard try await isGood(code, of: person, sealed: sealed, lastStep: lastStep, now: now) else { return false }
        try await tries.succeedCode(of: person.id)
        return true
    }

    private func isGood(_ code: String, of person: Person, sealed: Data, lastStep: Int64?, now: Date) async throws -> Bool {
        if let recovery = RecoveryCode.normalized(code) { return try await people.useRecoveryCode(SecretDigest(recovery), of: person.id) }
        let password = OneTimePassword(secret: try await open(sealed, of: person))
        guard let step = password.step(of: code.filter { $0 != " " }, at: now, after: lastStep) else { return false }
        return try await people.useStep(step, of: person.id)
    }

    func open(_ sealed: Data, of person: Person) async throws -> Data { try await vault.open(sealed, Self.context(person)) }

    func seal(_ secret: Data, of person: Person) async throws -> Data { try await vault.seal(secret, Self.context(person)) }

    private static func context(_ person: Person) -> SealContext {
        SealContext(tenant: person.ownTenant, table: "people", column: "totp_secret", row: person.id.uuid)
    }

    /// - Returns: what is shown once, and what is stored of it.
    static func newRecoveryCodes() -> (codes: [String], digests: [SecretDigest]) {
        var random = SystemRandomNumberGenerator()
        let codes = (0..<RecoveryCode.count).map { _ in RecoveryCode.make(using: &random) }
        return (codes, codes.compactMap(RecoveryCode.normalized).map { SecretDigest($0) })
    }
}
