import Audit
import CommonAPI
import Foundation
import GRPCCore
import GatewayAPI
import Passwords
import Primitives
import ServiceKit

/// How people get an account, and back into one. Nobody is known yet here, so no answer tells whether an address has an account.
struct RegistrationRPC: PBRegistration.SimpleServiceProtocol {
    let people: PeopleStore
    let members: MemberStore
    let links: LinkStore
    let tries: SignInStore
    let hasher: PasswordHasher
    let policy: PasswordPolicy
    let mailer: Mailer
    /// Whether anybody may register.
    let isOpen: Bool

    func register(request: PBRegisterRequest, context: ServerContext) async throws -> PBMailSent {
        guard isOpen else { throw Fault.registrationClosed }
        let email = try EmailAddress(request.email)
        let name = try Person.checkedName(request.name)
        try policy.check(request.password, email: email)
        try await mailer.requireConfigured()
        // Also for an address that has an account: the time must not tell.
        let registrant = LinkStore.Registrant(email: email, name: name, password: try await hasher.hash(request.password))
        let address = SessionStore.Client.current.address
        switch try await people.find(email) {
        case let person? where !person.isDisabled:
            try await sendReset(to: person) { .alreadyRegistered(name: person.name, $0, site: mailer.site, from: address) }
        case let person? where person.password != nil: break
        default: try await sendVerification(registrant)
        }
        return PBMailSent()
    }

    func resendVerification(request: PBResendVerificationRequest, context: ServerContext) async throws -> PBMailSent {
        let email = try EmailAddress(request.email)
        try await mailer.requireConfigured()
        if let registrant = try await links.registrant(email) { try await sendVerification(registrant) }
        return PBMailSent()
    }

    func verifyEmail(request: PBVerifyEmailRequest, context: ServerContext) async throws -> PBEmpty {
        guard let link = LinkToken(request.token) else { throw Fault.linkInvalid }
        _ = try await links.register(link)
        return PBEmpty()
    }

    func requestPasswordReset(request: PBRequestPasswordResetRequest, context: ServerContext) async throws -> PBMailSent {
        let email = try EmailAddress(request.email)
        try await mailer.requireConfigured()
        if let person = try await people.find(email), !person.isDisabled {
            try await sendReset(to: person) { .reset(name: person.name, $0, site: mailer.site, from: SessionStore.Client.current.address) }
        }
        return PBMailSent()
    }

    func sendPasswordReset(request: PBSendPasswordResetRequest, context: ServerContext) async throws -> PBMailSent {
        let id = try ID<User>(request.member, field: "member")
        guard try await members.identity(of: id, in: Caller.current.tenant) != nil else { throw Fault.notFound("member", id) }
        try await mailer.requireConfigured()
        let person = try await people.get(id)
        try await sendReset(to: person) {
            .reset(name: person.name, $0, site: mailer.site, from: SessionStore.Client.current.address, byAdmin: true)
        }
        return PBMailSent()
    }

    func resetPassword(request: PBResetPasswordRequest, context: ServerContext) async throws -> PBEmpty {
        guard let link = LinkToken(request.token) else { throw Fault.linkInvalid }
        let person = try await people.get(links.person(link, .reset))
        guard !person.isDisabled else { throw Fault.linkInvalid }
        try policy.check(request.password, email: person.email, hasSecondFactor: person.secondFactor.isOn)
        let hash = try await hasher.hash(request.password)
        let notice = try await mailer.write(.passwordChanged(name: person.name, site: mailer.site), to: person.email)
        try await links.use(link, .reset) { id, _, tx in
            try await people.setPassword(hash, of: id, in: tx)
            try await mailer.post(notice, in: tx)
        }
        try await tries.forgive(account: person.email.text)
        return PBEmpty()
    }

    func confirmEmail(request: PBConfirmEmailRequest, context: ServerContext) async throws -> PBEmpty {
        guard let link = LinkToken(request.token) else { throw Fault.linkInvalid }
        try await links.changeEmail(link)
        return PBEmpty()
    }

    private func sendVerification(_ registrant: LinkStore.Registrant) async throws {
        var random = SystemRandomNumberGenerator()
        let link = LinkToken.make(using: &random)
        let posting = try await mailer.write(
            .verify(name: registrant.name, link, site: mailer.site, from: SessionStore.Client.current.address), to: registrant.email)
        try await links.insert(link, .verify, to: registrant.email, of: nil, registrant: registrant) { try await mailer.post(posting, in: $0) }
    }

    private func sendReset(to person: Person, _ letter: (LinkToken) -> Letter) async throws {
        var random = SystemRandomNumberGenerator()
        let link = LinkToken.make(using: &random)
        let posting = try await mailer.write(letter(link), to: person.email)
        let isSent = try await links.insert(link, .reset, to: person.email, of: person.id) { tx in
            try await mailer.post(posting, in: tx)
            // An administrator's doing; what people ask for themselves is no act on an organization.
            try await tx.audit(person.id, tenant: CallContext.current?.caller?.tenant)
        }
        if !isSent { AuditedCall.changedNothing() }
    }
}

extension SessionStore.Client {
    /// Who sent the request that this task serves.
    static var current: SessionStore.Client {
        SessionStore.Client(address: CallContext.current?.address ?? "", userAgent: CallContext.current?.userAgent ?? "")
    }

    /// The address as limits count it: of IPv6 the /64.
    var network: String {
        guard let ip = IPAddress(address) else { return address }
        return ip.family == .v4 ? address : IPAddress(family: .v6, bits: (ip.bits >> 64) << 64).description
    }
}
