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
        guard let use = try await store.use(of: token.session, person: token.person, tenant: tenant),
            let identity = try await identity(of: token.person, in: tenant, session: token.session)
        else { return nil }
        return try await admitting(identity, token.session, use, from: address, now: now)
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

    func identity(cookie digest: SecretDigest, from address: String, now: Date = Date()) async throws -> Identity? {
        guard let found = try await store.find(digest) else { return nil }
        let identity: Identity? =
            switch found.holder {
            case .key(let identity): identity
            case .person(let person, let tenant): try await identity(of: person, in: tenant, session: found.id)
            }
        guard let identity else { return nil }
        return try await admitting(identity, found.id, found.use, from: address, now: now)
    }

    /// Whoever their session still lets in; only then is it used.
    private func admitting(
        _ identity: Identity, _ session: ID<Session>, _ use: SessionStore.Use, from address: String, now: Date
    ) async throws -> Identity? {
        if SessionLife.shorter(holding: identity.permissions)?.isOver(began: use.began, seen: use.seen, now: now) == true { return nil }
        try await store.touch(session, use, from: address, now: now)
        return identity
    }

    /// The shorter life of a person's sessions in an organization where they are an administrator; else `nil`.
    func shorterLife(of person: ID<User>, in tenant: ID<Tenant>) async throws -> SessionLife? {
        guard tenant.uuid != person.uuid, let identity = try await members.identity(of: person, in: tenant) else { return nil }
        return SessionLife.shorter(holding: identity.permissions)
    }

    /// A person's sessions, the one last used first, each with the end that it has.
    func list(of person: ID<User>, now: Date = Date()) async throws -> [PersonSession] {
        let all = try await store.list(of: person)
        var lives: [ID<Tenant>: SessionLife] = [:]
        for tenant in Set(all.map(\.tenant)) { lives[tenant] = try await shorterLife(of: person, in: tenant) }
        return all.compactMap { session in
            guard let life = lives[session.tenant] else { return session }
            guard !life.isOver(began: session.createdAt, seen: session.seenAt, now: now) else { return nil }
            var session = session
            session.expiresAt = min(session.expiresAt, session.createdAt.addingTimeInterval(life.longest))
            return session
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
