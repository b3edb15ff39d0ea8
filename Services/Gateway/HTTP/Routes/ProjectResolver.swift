import GRPCCore
import Primitives
import ProjectsAPI
import ServiceKit
import SwiftProtobuf
import Synchronization

/// Ids of projects by what users write in paths: an id or a slug. Remembers what it found for 30 seconds, because every call about a project
/// asks; never that there is nothing, because a project may be made at any moment. A slug never changes its project.
final class ProjectResolver: Sendable {
    static let lifetime: Int64 = 30_000_000_000
    static let capacity = 10_000

    private struct Name: Hashable {
        let tenant: ID<Tenant>
        let text: String
    }

    private let projects: PBProjects.Client<ServiceTransport>
    private let known = Mutex<[Name: (project: ID<Project>, until: Int64)]>([:])

    init(_ client: GRPCClient<ServiceTransport>) {
        projects = PBProjects.Client(wrapping: client)
    }

    /// - Throws: `project.not_found`, also for a project that the caller's key is not bound to.
    func resolve(_ text: String, for exchange: Exchange) async throws -> ID<Project> {
        guard let identity = exchange.principal?.identity else { throw Fault.keyMissing }
        let project = try await find(text, tenant: identity.tenant, for: exchange)
        guard identity.mayTouch(project: project.uuid) else { throw Fault.notFound("project", text) }
        return project
    }

    /// For whoever has shown otherwise that they may know of the organization's projects.
    /// - Throws: `project.not_found`.
    func find(_ text: String, tenant: ID<Tenant>, for exchange: Exchange) async throws -> ID<Project> {
        let name = Name(tenant: tenant, text: text)
        let now = Monotonic.now
        let remembered = known.withLock { known -> ID<Project>? in
            guard let entry = known[name], entry.until > now else { return nil }
            return entry.project
        }
        return if let remembered { remembered } else { try await lookUp(name, now: now, exchange) }
    }

    /// An internal method: the gateway asks in its own name, and only about the caller's tenant.
    private func lookUp(_ name: Name, now: Int64, _ exchange: Exchange) async throws -> ID<Project> {
        guard (1...100).contains(name.text.utf8.count) else { throw Fault.notFound("project", name.text.prefix(100)) }
        let found = try await exchange.calling(as: .service("gateway", tenant: name.tenant, requestID: exchange.requestID), limit: .seconds(5)) {
            try await projects.resolveProject(.with { $0.project = name.text })
        }
        let project = try ID<Project>(found.id)
        known.withLock { known in
            if known.count >= Self.capacity { known = known.filter { $0.value.until > now } }
            if known.count >= Self.capacity { known = [:] }
            known[name] = (project, now + Self.lifetime)
        }
        return project
    }
}
