import Foundation
import Passwords
import Primitives

/// Finds out whether somebody is who they say: address, password, and a code where the second factor is on.
///
/// A wrong try costs the same time and gives the same answer whatever was wrong with it, and counts before anything is looked at.
struct SignIn: Sendable {
    /// Longer than any password that the policy lets be set, in bytes; hashing more would be work for nothing.
    static let maxPasswordBytes = 1_024

    let people: PeopleStore
    let tries: SignInStore
    let hasher: PasswordHasher
    let factors: SecondFactors
    let security: SecurityLog

    /// What was typed.
    struct Attempt: Sendable {
        let email: String
        let password: Secret<String>
        let code: String
    }

    /// - Parameter network: the client's address as limits count it.
    /// - Throws: `auth.credentials_invalid`, `auth.code_required`, `auth.too_many_attempts`, `auth.reset_required`, `auth.busy`.
    func authenticate(_ attempt: Attempt, client: SessionStore.Client, network: String, now: Date = Date()) async throws -> Person {
        let typed = String(attempt.email.trimmingCharacters(in: .whitespaces).lowercased().prefix(EmailAddress.maxLength))
        let keys = SignInStore.Keys(account: typed, network: network)
        let counts = try await begin(keys, client, now)
        let person = try await people.find(EmailAddress(stored: typed))
        let isPasswordRight: Bool
        do {
            isPasswordRight = try await check(attempt.password, of: person)
        } catch {
            try await tries.withdraw(keys, now: now)
            throw error
        }
        guard isPasswordRight, let person else {
            try await refuse(person, counts, client, "password", now)
            throw Fault.credentialsInvalid
        }
        if case .on(let sealed, let lastStep) = person.secondFactor {
            guard !attempt.code.isEmpty else {
                try await tries.withdraw(keys, now: now)
                throw Fault.codeRequired
            }
            guard try await factors.accept(attempt.code, of: person, sealed: sealed, lastStep: lastStep, now: now) else {
                try await refuse(person, counts, client, "second_factor", now)
                throw Fault.credentialsInvalid
            }
        }
        try await tries.succeed(keys, now: now)
        return person
    }

    private func begin(_ keys: SignInStore.Keys, _ client: SessionStore.Client, _ now: Date) async throws -> SignInThrottle.Counts {
        switch try await tries.begin(keys, now: now) {
        case .allowed(let counts): return counts
        case .wait(let seconds):
            throw Fault.tooManyAttempts(retryAfter: .milliseconds(Int64((seconds * 1_000).rounded(.up))))
        case .resetRequired: throw Fault.resetRequired
        }
    }

    /// Whether the password is the person's, and they may sign in at all. Hashes it anew when today's cost or pepper is another one.
    private func check(_ password: Secret<String>, of person: Person?) async throws -> Bool {
        let text = password.reveal()
        let isAbsurd = text.utf8.count > Self.maxPasswordBytes
        guard case .right(let isOutdated) = try await hasher.verify(isAbsurd ? "" : text, against: person?.password),
            let person, let stored = person.password, !person.isDisabled, !isAbsurd
        else { return false }
        if isOutdated, let hash = try? await hasher.hash(text) { try await people.rehash(hash, of: person.id, replacing: stored) }
        return true
    }

    private func refuse(
        _ person: Person?, _ counts: SignInThrottle.Counts, _ client: SessionStore.Client, _ reason: String, _ now: Date
    ) async throws {
        let tenant = try await tenant(of: person)
        security.record(
            .signInFailed(person.map { "\($0.id)" } ?? "unknown", tenant: tenant, from: client.address, reason: reason), now: now)
        guard let person, let tenant, counts.pair.failures >= SignInThrottle.pairLimit else { return }
        let until = counts.pair.first.addingTimeInterval(SignInThrottle.pairWindow)
        security.record(.lockedOut(person.id, tenant: tenant, from: client.address, until: until), now: now)
    }

    /// Whom to tell of what happens to an account: the organization it was used for last. Asked for an unknown name too, so that both take the same
    /// way.
    private func tenant(of person: Person?) async throws -> ID<Tenant>? {
        let (all, last) = try await people.organizations(of: person?.id ?? .new())
        return all.first { $0.tenant == last }?.tenant ?? all.first?.tenant
    }

    // MARK: - Again, for what is sensitive

    /// - Throws: `auth.current_password`, `auth.too_many_attempts`: guessing is no easier with somebody's open session than without one.
    func confirm(_ password: Secret<String>, of person: Person, client: SessionStore.Client, network: String, now: Date = Date()) async throws {
        let keys = SignInStore.Keys(account: person.email.text, network: network)
        let counts = try await begin(keys, client, now)
        do {
            if try await check(password, of: person) { return try await tries.withdraw(keys, now: now) }
        } catch {
            try await tries.withdraw(keys, now: now)
            throw error
        }
        try await refuse(person, counts, client, "password", now)
        throw Fault.currentPasswordWrong
    }
}
