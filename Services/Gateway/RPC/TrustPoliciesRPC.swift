import CommonAPI
import Foundation
import GRPCCore
import GatewayAPI
import Primitives
import ServiceKit
import SwiftProtobuf

/// The trust policies of the caller's organization.
struct TrustPoliciesRPC: PBTrustPolicies.SimpleServiceProtocol {
    let policies: TrustPolicyStore
    let providers: ProviderClient
    /// How CI jobs reach this Assay, without a slash at the end: the beginning of the audience that a policy has of itself.
    let publicURL: String

    func createTrustPolicy(request: PBCreateTrustPolicyRequest, context: ServerContext) async throws -> PBTrustPolicy {
        let caller = try writer()
        let provider = try TrustProvider(request.provider)
        let issuer = request.issuer.isEmpty ? provider.issuer : request.issuer
        try providers.check(issuer: issuer)
        let draft = try TrustPolicy.Draft(
            name: request.name, provider: provider, issuer: issuer,
            audience: request.audience.isEmpty ? "\(publicURL)/\(caller.tenant)" : request.audience, claims: request.claims,
            projects: Self.projects(request.projects), forks: TrustPolicy.Forks(request.forks) ?? .untrusted)
        return PBTrustPolicy(try await policies.insert(draft, key: caller.idempotencyKey, tenant: caller.tenant))
    }

    func getTrustPolicy(request: PBGetTrustPolicyRequest, context: ServerContext) async throws -> PBTrustPolicy {
        PBTrustPolicy(try await policies.get(ID(request.trustPolicy, field: "trust_policy"), tenant: Caller.current.tenant))
    }

    func listTrustPolicies(request: PBListTrustPoliciesRequest, context: ServerContext) async throws -> PBListTrustPoliciesResponse {
        let page = try await policies.list(PageRequest(limit: Int(request.limit), cursor: request.cursor), tenant: Caller.current.tenant)
        return .with {
            $0.data = page.items.map(PBTrustPolicy.init)
            $0.page = PBPage(page)
        }
    }

    func updateTrustPolicy(request: PBUpdateTrustPolicyRequest, context: ServerContext) async throws -> PBTrustPolicy {
        let caller = try writer()
        // Of whose tokens it speaks never changes, so it can be read before.
        let policy = try await policies.get(ID(request.trustPolicy, field: "trust_policy"), tenant: caller.tenant)
        let change = try TrustPolicy.Change(
            name: request.hasName ? request.name : nil, audience: request.hasAudience ? request.audience : nil, claims: request.claims,
            projects: Self.projects(request.projects), forks: TrustPolicy.Forks(request.forks), isEnabled: request.hasEnabled ? request.enabled : nil,
            of: policy.provider)
        return PBTrustPolicy(
            try await policies.update(policy.id, change, version: request.version, key: caller.idempotencyKey, tenant: caller.tenant))
    }

    func deleteTrustPolicy(request: PBDeleteTrustPolicyRequest, context: ServerContext) async throws -> PBEmpty {
        let caller = try writer()
        try await policies.delete(ID(request.trustPolicy, field: "trust_policy"), version: request.version, tenant: caller.tenant)
        return PBEmpty()
    }

    /// A policy lets others upload, so whoever writes one must be able to, in all projects.
    /// - Throws: `permission.projects_only`, `permission.missing`.
    private func writer() throws(Fault) -> Caller {
        let caller = Caller.current
        try caller.requireOrganization()
        for permission in UploadToken.scope.permissions where !caller.permissions.contains(permission) { throw .permissionNotHeld(permission) }
        return caller
    }

    private static func projects(_ texts: [String]) throws(Fault) -> [UUID] {
        var projects: [UUID] = []
        for (index, text) in texts.enumerated() { projects.append(try ID<Project>(text, field: "/projects/\(index)").uuid) }
        return projects
    }
}
