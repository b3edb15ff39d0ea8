import CommonAPI
import Foundation
import GRPCCore
import GatewayAPI
import Primitives
import ServiceKit
import SwiftProtobuf

/// CI without a key: an ID token against a token for uploads (P3).
///
/// What costs nothing is checked first, so that nobody makes us ask the database, or somebody else's server, for a token that cannot be good anyway.
struct TokenExchangeRPC: PBTokenExchange.SimpleServiceProtocol {
    static let grantType = "urn:ietf:params:oauth:grant-type:token-exchange"
    static let tokenTypes: Set<String> = ["urn:ietf:params:oauth:token-type:id_token", "urn:ietf:params:oauth:token-type:jwt"]
    static let issuedType = "urn:ietf:params:oauth:token-type:access_token"

    let policies: TrustPolicyStore
    let tokens: UploadTokenStore
    let keys: ProviderKeys
    let security: SecurityLog

    func exchangeToken(request: PBExchangeTokenRequest, context: ServerContext) async throws -> PBExchangedToken {
        let now = Date()
        guard request.grantType.isEmpty || request.grantType == Self.grantType else {
            throw Fault.invalidField("/grant_type", "unsupported", "The grant type is \(Self.grantType).")
        }
        guard request.subjectTokenType.isEmpty || Self.tokenTypes.contains(request.subjectTokenType) else {
            throw Fault.invalidField("/subject_token_type", "unsupported", "The token type is \(Self.tokenTypes.sorted().joined(separator: " or ")).")
        }
        let asked = request.organization.isEmpty ? nil : try ID<Tenant>(request.organization, field: "/organization")
        let project = request.project.isEmpty ? nil : try ID<Project>(request.project, field: "/project").uuid
        let token: IDToken
        do throws(IDToken.Refusal) {
            token = try IDToken(request.subjectToken)
            try token.checkTimes(now: now)
        } catch {
            throw Fault.idTokenInvalid
        }
        guard let tenant = asked ?? token.organization else { throw Fault.organizationMissing }
        // Only who is named by a policy of this organization is asked for keys: anybody can send a token, and it can name anybody.
        let trusted = try await policies.list(issuer: token.issuer, tenant: tenant)
        guard !trusted.isEmpty else { throw Fault.idTokenInvalid }
        do {
            return try await exchange(token, under: trusted, project: project, tenant: tenant, now: now)
        } catch let fault as Fault where fault.kind == .unauthenticated || fault.kind == .forbidden {
            let reason = fault.code.split(separator: ".").last.map(String.init) ?? fault.code
            security.record(
                .exchangeRefused(token.issuer, tenant: tenant, from: CallContext.current?.address ?? "", reason: reason), now: now)
            throw fault
        }
    }

    private func exchange(
        _ token: IDToken, under trusted: [TrustPolicy], project: UUID?, tenant: ID<Tenant>, now: Date
    ) async throws -> PBExchangedToken {
        let meant = trusted.filter { token.claims.audiences.contains($0.audience) }
        guard !meant.isEmpty, let key = try await keys.key(token.keyID, of: token.issuer, now: now) else { throw Fault.idTokenInvalid }
        do throws(IDToken.Refusal) {
            try token.verify(with: key)
        } catch {
            throw Fault.idTokenInvalid
        }
        let (policy, lane) = try TrustPolicy.choose(meant, for: token.claims, project: project)
        let made = UploadToken(id: .new(at: now), policy: policy, lane: lane, projects: project.map { [$0] } ?? policy.projects)
        var random = SystemRandomNumberGenerator()
        let text = UploadToken.newText(using: &random)
        try await tokens.insert(
            made, text: text, for: (token.fingerprint, Date(timeIntervalSince1970: Double(token.expiresAt) + IDToken.leeway)),
            record: BuildRecord(token, policy, lane: lane), tenant: tenant)
        return .with {
            $0.accessToken = text.reveal()
            $0.issuedTokenType = Self.issuedType
            $0.tokenType = "Bearer"
            $0.expiresIn = Int32(UploadToken.lifetime)
            $0.scope = UploadToken.scope.rawValue
            $0.lane = PBLane.Value(lane)
            $0.organization = tenant.description
            $0.projects = made.projects.map { ID<Project>(uuid: $0).description }
            $0.policy = policy.id.description
        }
    }
}
