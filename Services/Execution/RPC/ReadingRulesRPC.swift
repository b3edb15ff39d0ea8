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
    let owners: CodeOwnersStore

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

    func project(_ text: String) throws -> ID<Project> {
        let project = try ID<Project>(text, field: "project")
        try Caller.current.require(project: project.uuid)
        return project
    }
}
