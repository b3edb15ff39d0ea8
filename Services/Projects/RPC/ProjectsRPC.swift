import CommonAPI
import Foundation
import GRPCCore
import Primitives
import ProjectsAPI
import ServiceKit
import SwiftProtobuf

/// `assay.projects.v1.Projects`
struct ProjectsRPC: PBProjects.SimpleServiceProtocol {
    let projects: ProjectStore

    func createProject(request: PBCreateProjectRequest, context: ServerContext) async throws -> PBProject {
        let caller = Caller.current
        try caller.requireOrganization()
        let draft = try Project.Draft(
            name: request.name, slug: request.slug, spareSlug: "project-\(ID<Project>.new().description.suffix(8))",
            description: request.description_p, defaultBranch: request.defaultBranch)
        return try await PBProject(projects.insert(draft, key: caller.idempotencyKey, tenant: caller.tenant))
    }

    func getProject(request: PBGetProjectRequest, context: ServerContext) async throws -> PBProject {
        try await PBProject(resolve(request.project))
    }

    func resolveProject(request: PBResolveProjectRequest, context: ServerContext) async throws -> PBProject {
        try await PBProject(resolve(request.project))
    }

    func listProjects(request: PBListProjectsRequest, context: ServerContext) async throws -> PBListProjectsResponse {
        let caller = Caller.current
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let listed = try await projects.list(page, only: caller.projects.map(Array.init), tenant: caller.tenant)
        return .with {
            $0.data = listed.items.map(PBProject.init)
            $0.page = PBPage(listed)
        }
    }

    func updateProject(request: PBUpdateProjectRequest, context: ServerContext) async throws -> PBProject {
        let caller = Caller.current
        let change = try Project.Change(
            name: request.hasName ? request.name : nil, description: request.hasDescription_p ? request.description_p : nil,
            defaultBranch: request.hasDefaultBranch ? request.defaultBranch : nil)
        let id = try ID<Project>(request.project, field: "project")
        try caller.require(project: id)
        return try await PBProject(projects.update(id, change, version: request.version, key: caller.idempotencyKey, tenant: caller.tenant))
    }

    /// A text that is neither an id nor a slug names nothing, like one that nobody has taken.
    private func resolve(_ text: String) async throws -> Project {
        let caller = Caller.current
        let project =
            if let id = try? ID<Project>(text) {
                try await projects.get(id, tenant: caller.tenant)
            } else if let slug = try? Slug(text) {
                try await projects.get(slug, tenant: caller.tenant)
            } else {
                throw Fault(.notFound, "project.not_found", "There is no such project.")
            }
        try caller.require(project: project.id)
        return project
    }
}
