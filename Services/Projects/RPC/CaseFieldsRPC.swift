import GRPCCore
import Primitives
import ProjectsAPI
import ServiceKit
import SwiftProtobuf

/// `assay.projects.v1.CaseFieldDefinitions`
struct CaseFieldsRPC: PBCaseFieldDefinitions.SimpleServiceProtocol {
    let fields: CaseFieldStore

    func getCaseFields(request: PBGetCaseFieldsRequest, context: ServerContext) async throws -> PBCaseFields {
        try await PBCaseFields(fields.get(project(request.project), tenant: Caller.current.tenant))
    }

    func putCaseFields(request: PBPutCaseFieldsRequest, context: ServerContext) async throws -> PBCaseFields {
        guard request.fields.count <= CaseField.most else {
            throw Fault.invalidField("/fields", "too_many", "Cases of a project have at most \(CaseField.most) fields.")
        }
        var wanted: [CaseField] = []
        for (index, message) in request.fields.enumerated() {
            let field = try CaseField(message, at: "/fields/\(index)")
            guard !wanted.contains(where: { $0.key == field.key }) else {
                throw Fault.invalidField("/fields/\(index)/key", "duplicate", "The key is there twice.")
            }
            wanted.append(field)
        }
        return try await PBCaseFields(
            fields.put(wanted, version: request.version, project: project(request.project), tenant: Caller.current.tenant))
    }

    func getCaseFieldsSchema(request: PBGetCaseFieldsSchemaRequest, context: ServerContext) async throws -> PBCaseFieldsSchema {
        try await PBCaseFieldsSchema(fields.get(project(request.project), tenant: Caller.current.tenant).fields)
    }

    private func project(_ text: String) throws -> ID<Project> {
        let project = try ID<Project>(text, field: "project")
        try Caller.current.require(project: project)
        return project
    }
}
