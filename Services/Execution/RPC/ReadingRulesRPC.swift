import Audit
import CommonAPI
import ExecutionAPI
import GRPCCore
import Postgres
import Primitives
import ServiceKit
import SwiftProtobuf

/// `assay.execution.v1.ReadingRules`
struct ReadingRulesRPC: PBReadingRules.SimpleServiceProtocol {
    let rules: ReadingRulesStore

    func getIdentityRules(request: PBGetIdentityRulesRequest, context: ServerContext) async throws -> PBIdentityRules {
        try await PBIdentityRules(rules.get(.identity, of: project(request.project), tenant: Caller.current.tenant))
    }

    func putIdentityRules(request: PBPutIdentityRulesRequest, context: ServerContext) async throws -> PBIdentityRules {
        guard request.rules.count <= 50 else { throw Fault.invalidField("/rules", "too_many", "A project has at most 50 identity rules.") }
        var wanted: [IdentityRule] = []
        for (index, rule) in request.rules.enumerated() { wanted.append(try IdentityRule(rule, at: "/rules/\(index)")) }
        return try await PBIdentityRules(
            rules.put(
                .identity, JSONText(encoding: wanted).text, version: request.version, of: project(request.project), tenant: Caller.current.tenant))
    }

    func getCustomFields(request: PBGetCustomFieldsRequest, context: ServerContext) async throws -> PBCustomFields {
        try await PBCustomFields(rules.get(.fields, of: project(request.project), tenant: Caller.current.tenant))
    }

    func putCustomFields(request: PBPutCustomFieldsRequest, context: ServerContext) async throws -> PBCustomFields {
        guard request.fields.count <= 100 else { throw Fault.invalidField("/fields", "too_many", "A project has at most 100 custom fields.") }
        var wanted: [CustomField] = []
        for (index, message) in request.fields.enumerated() {
            let field = try CustomField(message, at: "/fields/\(index)")
            guard !wanted.contains(where: { $0.key == field.key }) else {
                throw Fault.invalidField("/fields/\(index)/key", "duplicate", "The key \(field.key) is there twice.")
            }
            wanted.append(field)
        }
        return try await PBCustomFields(
            rules.put(
                .fields, JSONText(encoding: wanted).text, version: request.version, of: project(request.project), tenant: Caller.current.tenant))
    }

    func getCodeOwners(request: PBGetCodeOwnersRequest, context: ServerContext) async throws -> PBCodeOwners {
        try await PBCodeOwners(rules.get(.owners, of: project(request.project), tenant: Caller.current.tenant))
    }

    func putCodeOwners(request: PBPutCodeOwnersRequest, context: ServerContext) async throws -> PBCodeOwners {
        // A fork may send its results, and nothing that holds for those of others.
        guard Caller.current.lane == .trusted else {
            throw Fault(.forbidden, "permission.missing", "A build that is not trusted does not say who owns what.")
        }
        guard !request.content.utf8.contains(0) else { throw Fault.invalidField("/content", "invalid_character", "The file must not hold a NUL.") }
        guard request.content.unicodeScalars.count <= 900_000 else {
            throw Fault.invalidField("/content", "too_long", "The file may have 900,000 characters.")
        }
        return try await PBCodeOwners(
            rules.put(
                .owners, request.content, commit: request.commitSha, version: request.version, of: project(request.project),
                tenant: Caller.current.tenant))
    }

    func getOwners(request: PBGetOwnersRequest, context: ServerContext) async throws -> PBOwners {
        let owners = try await rules.rules(of: project(request.project), tenant: Caller.current.tenant).owners
        let found = owners?.owners(of: request.path) ?? (owners: [], lines: [])
        return .with {
            $0.path = request.path
            $0.owners = found.owners
            $0.lines = found.lines.map(Int32.init)
        }
    }

    private func project(_ text: String) throws -> ID<Project> {
        let project = try ID<Project>(text, field: "project")
        try Caller.current.require(project: project.uuid)
        return project
    }
}
