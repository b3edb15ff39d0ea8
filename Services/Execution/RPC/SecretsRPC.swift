import CommonAPI
import ExecutionAPI
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf

/// `assay.execution.v1.Secrets`
struct SecretsRPC: PBSecrets.SimpleServiceProtocol {
    let secrets: SecretStore

    func createSecret(request: PBCreateSecretRequest, context: ServerContext) async throws -> PBSecret {
        let caller = Caller.current
        let draft = try TestSecret.Draft(
            project: project(request.project), name: request.name, environment: request.environment, value: request.value,
            hosts: AllowedHost.list(request.hosts))
        return try await PBSecret(secrets.insert(draft, by: caller.actor, key: caller.idempotencyKey, tenant: caller.tenant))
    }

    func listSecrets(request: PBListSecretsRequest, context: ServerContext) async throws -> PBListSecretsResponse {
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let listed = try await secrets.list(of: project(request.project), page, tenant: Caller.current.tenant)
        return .with {
            $0.data = listed.items.map(PBSecret.init)
            $0.page = PBPage(listed)
        }
    }

    func getSecret(request: PBGetSecretRequest, context: ServerContext) async throws -> PBSecret {
        try await PBSecret(find(request.secret))
    }

    func updateSecret(request: PBUpdateSecretRequest, context: ServerContext) async throws -> PBSecret {
        let secret = try await find(request.secret)
        let value = request.hasValue ? try TestSecret.checked(request.value) : nil
        let hosts = request.hosts.isEmpty ? nil : try TestSecret.checked(AllowedHost.list(request.hosts))
        let caller = Caller.current
        return try await PBSecret(
            secrets.update(
                secret.id, value: value, hosts: hosts, version: request.version, by: caller.actor, key: caller.idempotencyKey,
                tenant: caller.tenant))
    }

    func deleteSecret(request: PBDeleteSecretRequest, context: ServerContext) async throws -> PBEmpty {
        try await secrets.delete(find(request.secret).id, version: request.version, tenant: Caller.current.tenant)
        return PBEmpty()
    }

    private func project(_ text: String) throws -> ID<Project> {
        let project = try ID<Project>(text, field: "project")
        try Caller.current.require(project: project.uuid)
        return project
    }

    private func find(_ text: String) async throws -> TestSecret {
        let caller = Caller.current
        let secret = try await secrets.get(ID(text, field: "secret"), tenant: caller.tenant)
        try caller.require(project: secret.project.uuid)
        return secret
    }
}
