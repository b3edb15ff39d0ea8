import CommonAPI
import Foundation
import GRPCCore
import GatewayAPI
import Passwords
import Primitives
import ServiceKit
import SwiftProtobuf

/// A person's own account. What would help a thief with an open session asks for the password again.
struct AccountRPC: PBAccount.SimpleServiceProtocol {
    let people: PeopleStore
    let links: LinkStore
    let signIn: SignIn
    let hasher: PasswordHasher
    let policy: PasswordPolicy
    let mailer: Mailer

    /// Where authenticator apps say the code is for.
    static let issuer = "Assay"

    func getProfile(request: PBGetProfileRequest, context: ServerContext) async throws -> PBProfile {
        try await profile(people.get(Caller.current.person()))
    }

    func updateProfile(request: PBUpdateProfileRequest, context: ServerContext) async throws -> PBProfile {
        let id = try Caller.current.person()
        let name = request.hasName ? try Person.checkedName(request.name) : nil
        return try await profile(people.update(id, name: name, version: request.version, key: Caller.current.idempotencyKey))
    }

    func changePassword(request: PBChangePasswordRequest, context: ServerContext) async throws -> PBEmpty {
        let caller = Caller.current
        let person = try await confirmed(by: request.currentPassword)
        try policy.check(request.password, email: person.email, hasSecondFactor: person.secondFactor.isOn)
        let hash = try await hasher.hash(request.password)
        let notice = try await mailer.write(.passwordChanged(name: person.name, site: mailer.site), to: person.email)
        let session = try? caller.session.map { try ID<Session>($0) }
        try await people.changePassword(hash, of: person.id, keeping: session) { try await mailer.post(notice, in: $0) }
        return PBEmpty()
    }

    func changeEmail(request: PBChangeEmailRequest, context: ServerContext) async throws -> PBMailSent {
        let email = try EmailAddress(request.email)
        try await mailer.requireConfigured()
        let person = try await confirmed(by: request.currentPassword)
        guard email != person.email else { throw Fault.invalidField("/email", "unchanged", "This is the address of the account already.") }
        var random = SystemRandomNumberGenerator()
        let link = LinkToken.make(using: &random)
        let posting = try await mailer.write(.confirmEmail(name: person.name, link, site: mailer.site), to: email)
        let notice = try await mailer.write(.emailChanging(name: person.name, to: email, site: mailer.site), to: person.email)
        try await links.insert(link, .email, to: email, of: person.id) { tx in
            try await mailer.post(posting, in: tx)
            try await mailer.post(notice, in: tx)
        }
        return PBMailSent()
    }

    // MARK: - The second factor

    func beginSecondFactor(request: PBBeginSecondFactorRequest, context: ServerContext) async throws -> PBSecondFactorSecret {
        let person = try await confirmed(by: request.currentPassword)
        guard !person.secondFactor.isOn else { throw Fault.secondFactorOn }
        var random = SystemRandomNumberGenerator()
        let secret = OneTimePassword.newSecret(using: &random)
        try await people.beginSecondFactor(signIn.factors.seal(secret, of: person), of: person.id)
        return .with {
            $0.secret = secret.base32
            $0.uri = OneTimePassword(secret: secret).uri(account: person.email.text, issuer: Self.issuer)
        }
    }

    func confirmSecondFactor(request: PBConfirmSecondFactorRequest, context: ServerContext) async throws -> PBRecoveryCodes {
        let person = try await people.get(Caller.current.person())
        let now = Date()
        switch person.secondFactor {
        case .off: throw Fault.secondFactorNotBegun
        case .on: throw Fault.secondFactorOn
        case .begun(let sealed):
            let password = OneTimePassword(secret: try await signIn.factors.open(sealed, of: person))
            guard let step = password.step(of: request.code.filter { $0 != " " }, at: now, after: nil) else { throw Fault.codeWrong }
            let (codes, digests) = SecondFactors.newRecoveryCodes()
            try await people.confirmSecondFactor(of: person.id, step: step, recoveryCodes: digests)
            try await mailer.post(mailer.write(.secondFactor(name: person.name, isOn: true, site: mailer.site), to: person.email))
            return .with { $0.codes = codes }
        }
    }

    func removeSecondFactor(request: PBRemoveSecondFactorRequest, context: ServerContext) async throws -> PBEmpty {
        let person = try await confirmed(by: request.currentPassword)
        guard case .on(let sealed, let lastStep) = person.secondFactor else { throw Fault.secondFactorOff }
        guard request.currentPassword.unicodeScalars.count >= PasswordPolicy.shortest else { throw Fault.passwordTooShortWithout }
        guard try await signIn.factors.accept(request.code, of: person, sealed: sealed, lastStep: lastStep, now: Date()) else {
            throw Fault.codeWrong
        }
        try await people.removeSecondFactor(of: person.id)
        try await mailer.post(mailer.write(.secondFactor(name: person.name, isOn: false, site: mailer.site), to: person.email))
        return PBEmpty()
    }

    func renewRecoveryCodes(request: PBRenewRecoveryCodesRequest, context: ServerContext) async throws -> PBRecoveryCodes {
        let person = try await confirmed(by: request.currentPassword)
        guard person.secondFactor.isOn else { throw Fault.secondFactorOff }
        let (codes, digests) = SecondFactors.newRecoveryCodes()
        try await people.replaceRecoveryCodes(digests, of: person.id)
        return .with { $0.codes = codes }
    }

    /// The caller, who has just typed their password.
    private func confirmed(by password: String) async throws -> Person {
        let person = try await people.get(Caller.current.person())
        let client = SessionStore.Client.current
        try await signIn.confirm(Secret(password), of: person, client: client, network: client.network)
        return person
    }

    private func profile(_ person: Person) async throws -> PBProfile {
        let organizations = try await people.organizations(of: person.id).all
        let codes = try await people.recoveryCodeCount(of: person.id)
        return PBProfile(person, organizations, recoveryCodes: codes)
    }
}
