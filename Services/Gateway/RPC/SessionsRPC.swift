import CommonAPI
import Foundation
import GRPCCore
import GatewayAPI
import Primitives
import ServiceKit
import SwiftProtobuf

/// Logging in and out with tokens, and a person's sessions.
struct SessionsRPC: PBSessions.SimpleServiceProtocol {
    let sessions: PersonSessions
    let refreshTokens: RefreshTokenStore
    let mailer: Mailer
    let security: SecurityLog

    func login(request: PBLoginRequest, context: ServerContext) async throws -> PBTokens {
        let client = SessionStore.Client.current
        let asked = request.organization.isEmpty ? nil : try ID<Tenant>(request.organization, field: "/organization")
        let attempt = SignIn.Attempt(email: request.email, password: Secret(request.password), code: request.code)
        let person = try await sessions.signIn.authenticate(attempt, client: client, network: client.network)
        return try await begin(person.id, asked: asked, client, began: Date())
    }

    func switchOrganization(request: PBSwitchOrganizationRequest, context: ServerContext) async throws -> PBTokens {
        let caller = Caller.current
        let person = try caller.person()
        let asked = try ID<Tenant>(request.organization, field: "/organization")
        guard let text = caller.session,
            let use = try await sessions.store.use(of: ID<Session>(text), person: person, tenant: caller.tenant)
        else { throw Fault.sessionInvalid }
        // The login is still the same: switching to and fro does not make it younger.
        return try await begin(person, asked: asked, SessionStore.Client.current, began: use.began)
    }

    private func begin(_ person: ID<User>, asked: ID<Tenant>?, _ client: SessionStore.Client, began: Date) async throws -> PBTokens {
        let (organization, all) = try await sessions.organization(asked: asked, of: person)
        let tenant = organization?.tenant ?? ID<Tenant>(uuid: person.uuid)
        let now = Date()
        let life = try await sessions.shorterLife(of: person, in: tenant)
        guard life?.isOver(began: began, seen: now, now: now) != true else { throw Fault.loginTooOld }
        let session = ID<Session>.new()
        var random = SystemRandomNumberGenerator()
        let token = RefreshToken.make(using: &random)
        try await sessions.store.insert(session, person: person, tenant: tenant, from: client, token: token, began: began)
        return try await tokens(
            .init(
                session: session, person: person, tenant: tenant, token: token,
                sessionEnds: began.addingTimeInterval(life?.longest ?? RefreshDecision.longest)), all)
    }

    func refreshTokens(request: PBRefreshTokensRequest, context: ServerContext) async throws -> PBTokens {
        guard let token = RefreshToken(request.refreshToken) else { throw Fault.refreshInvalid }
        let client = SessionStore.Client.current
        let now = Date()
        let owner = try await refreshTokens.owner(of: token)
        var life: SessionLife?
        if let owner { life = try await sessions.shorterLife(of: owner.person, in: owner.use.tenant) }
        if let owner, life?.isOver(began: owner.use.began, seen: owner.use.seen, now: now) == true {
            try await refreshTokens.endSession(token)
            throw Fault.refreshInvalid
        }
        switch try await refreshTokens.renew(token, for: client, now: now) {
        case .renewed(var renewed):
            if let owner, let life { renewed.sessionEnds = min(renewed.sessionEnds, owner.use.began.addingTimeInterval(life.longest)) }
            return try await tokens(renewed, sessions.people.organizations(of: renewed.person).all)
        case .reused(let session, let person, let tenant):
            security.record(.refreshReused(session: session, user: person, tenant: tenant, from: client.address))
            let owner = try await sessions.people.get(person)
            try await mailer.post(
                mailer.write(.sessionStolen(name: owner.name, address: client.address, site: mailer.site), to: owner.email))
            throw Fault.refreshInvalid
        case .invalid:
            throw Fault.refreshInvalid
        }
    }

    private func tokens(_ session: RefreshTokenStore.Renewed, _ all: [OwnOrganization]) async throws -> PBTokens {
        let access = try await sessions.accessToken(of: session.person, session: session.session, tenant: session.tenant)
        return .with {
            $0.accessToken = access
            $0.tokenType = "Bearer"
            $0.expiresIn = Int32(AccessToken.lifetime)
            $0.refreshToken = session.token.secret.reveal()
            $0.sessionExpiresAt = .init(milliseconds: session.sessionEnds)
            $0.session = session.session.description
            if session.tenant.uuid != session.person.uuid { $0.organization = session.tenant.description }
            $0.organizations = all.map(PBOwnOrganization.init)
        }
    }

    func logout(request: PBLogoutRequest, context: ServerContext) async throws -> PBEmpty {
        if !request.refreshToken.isEmpty {
            // Unknown is as good as over.
            if let token = RefreshToken(request.refreshToken) { try await refreshTokens.endSession(token) }
        } else if let caller = CallContext.current?.caller {
            guard let session = try? caller.session.map({ try ID<Session>($0) }) else { throw Fault.personNeeded }
            try await sessions.store.delete(session, of: caller.person())
        } else {
            throw Fault.keyMissing
        }
        return PBEmpty()
    }

    func listSessions(request: PBListSessionsRequest, context: ServerContext) async throws -> PBListSessionsResponse {
        let caller = Caller.current
        let person = try caller.person()
        let listed = try await sessions.list(of: person)
        return .with { $0.data = listed.map { PBSession($0, of: person, isCurrent: $0.id.description == caller.session) } }
    }

    func revokeSession(request: PBRevokeSessionRequest, context: ServerContext) async throws -> PBEmpty {
        let session = try ID<Session>(request.session, field: "session")
        // A key has no sessions; for it there is none of that name.
        guard let person = try? Caller.current.person() else { throw Fault.notFound("session", session) }
        try await sessions.store.delete(session, of: person)
        return PBEmpty()
    }

    func revokeAllSessions(request: PBRevokeAllSessionsRequest, context: ServerContext) async throws -> PBEmpty {
        try await sessions.store.deleteAll(of: Caller.current.person())
        return PBEmpty()
    }
}

extension Caller {
    /// The person who asks, for what only they themselves may do.
    /// - Throws: `auth.person_needed` for keys, `impersonation.not_allowed` for a super admin in somebody's place, who would otherwise get a session
    ///   that outlasts the hour.
    func person() throws(Fault) -> ID<User> {
        guard let person = try? ID<User>(actor) else { throw .personNeeded }
        guard impersonator == nil else { throw .impersonationBarred }
        return person
    }
}
