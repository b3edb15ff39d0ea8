import Foundation
import Primitives

/// Sessions of people, from the credential to who it speaks for: what the door, the pages and the methods under `/auth` have in common.
struct PersonSessions: Sendable {
    let store: SessionStore
    let people: PeopleStore
    let members: MemberStore
    let keys: SigningKeys
    let parties: AccessToken.Parties
    let signIn: SignIn

    /// Who an access token speaks for; `nil` when it is not good: what is wrong with it is nobody's business.
    func identity(token text: String, from address: String, now: Date = Date()) async throws -> Identity? {
        guard let token = try await read(text, now: now) else { return nil }
        let tenant = token.tenant ?? ID<Tenant>(uuid: token.person.uuid)
        guard try await store.isOpen(token.session, person: token.person, tenant: tenant, from: address) else { return nil }
        return try await identity(of: token.person, in: tenant, session: token.session)
    }

    private func read(_ text: String, now: Date) async throws -> AccessToken? {
        do throws(AccessToken.Refusal) {
            return try AccessToken(text, parties, now: now) { keys.publicKey($0) }
        } catch .unknownKey {
            guard try await keys.refreshForUnknown(now: now) else { return nil }
            return try? AccessToken(text, parties, now: now) { keys.publicKey($0) }
        } catch {
            return nil
        }
    }

    func identity(cookie digest: SecretDigest, from address: String) async throws -> Identity? {
        guard let found = try await store.find(digest, from: address) else { return nil }
        switch found.holder {
        case .key(let identity): return identity
        case .person(let person, let tenant): return try await identity(of: person, in: tenant, session: found.id)
        }
    }

    /// What a person may do at this moment: whoever has left an organization does nothing there, however long the session lives.
    private func identity(of person: ID<User>, in tenant: ID<Tenant>, session: ID<Session>) async throws -> Identity? {
        let isOwn = tenant.uuid == person.uuid
        var identity = try await isOwn ? people.ownIdentity(of: person) : members.identity(of: person, in: tenant)
        identity?.session = session
        return identity
    }

    // MARK: - Beginning

    /// The organization that a new session is for, of all that the person belongs to.
    /// - Throws: `auth.not_a_member`.
    func organization(asked: ID<Tenant>?, of person: ID<User>) async throws -> (chosen: OwnOrganization?, all: [OwnOrganization]) {
        let (all, last) = try await people.organizations(of: person)
        return (try OwnOrganization.choose(asked, last: last, of: all), all)
    }

    func accessToken(of person: ID<User>, session: ID<Session>, tenant: ID<Tenant>, now: Date = Date()) async throws -> String {
        let token = AccessToken(person: person, session: session, tenant: tenant.uuid == person.uuid ? nil : tenant, now: now)
        return try token.text(parties, signedWith: try await keys.signing(now: now))
    }
}
