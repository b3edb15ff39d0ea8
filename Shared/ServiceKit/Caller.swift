import Foundation
import Primitives

/// Who asks: proven by a signed token on every call between services, and bound to the task that serves the call.
///
/// RPC methods, workers and clients read `Caller.current`; nobody passes a caller along by hand. What stays the same from call to call is
/// in `identity`, so that a caller costs two strings and a reference; the gateway keeps identities beside the keys it has looked up.
package struct Caller: Sendable {
    package let identity: CallerIdentity
    /// `X-Request-Id` of the request that started it all, at most 128 characters; in every log line.
    package let requestID: String
    /// The key under which the user may repeat this request (`Idempotency-Key`).
    package let idempotencyKey: String?

    package init(identity: CallerIdentity, requestID: String = Caller.newRequestID(), idempotencyKey: String? = nil) {
        self.identity = identity
        self.requestID = requestID
        self.idempotencyKey = idempotencyKey
    }

    package init(
        tenant: ID<Tenant>, actor: String, permissions: Set<String>, projects: Set<UUID>? = nil, grants: ProjectGrants = ProjectGrants(),
        requestID: String = Caller.newRequestID(), idempotencyKey: String? = nil
    ) {
        self.init(
            identity: CallerIdentity(tenant: tenant, actor: actor, permissions: permissions, projects: projects, grants: grants),
            requestID: requestID, idempotencyKey: idempotencyKey)
    }

    package var tenant: ID<Tenant> { identity.tenant }
    package var actor: String { identity.actor }
    /// Held in the whole organization, or in the projects that a key is confined to.
    package var permissions: Set<String> { identity.permissions }
    /// `usr_…` of the super admin who acts in the actor's place.
    package var impersonator: String? { identity.impersonator }
    /// The persons behind the caller: who signed in, or whose key it is, and who acts in their place. Empty for builds, services, and keys that are
    /// nobody's.
    package var persons: Set<String> {
        let own = identity.actor.hasPrefix("usr_") ? identity.actor : identity.owner
        return Set([own, identity.impersonator].compactMap(\.self))
    }
    /// `ses_…` of a person's sign-in.
    package var session: String? { identity.session }
    package var lane: Lane { identity.lane }

    /// The projects in which the caller holds the permission of the method being served; `nil` for all of the organization.
    ///
    /// In methods that ask for none, internal ones among them, those that the caller is confined to: whoever calls an internal method on
    /// behalf of a user has checked the project, because only its own method says what permission is needed.
    package var projects: Set<UUID>? {
        guard let permission = CallContext.current?.permission else { return identity.projects }
        return identity.projects(holding: permission)
    }

    /// Work that a service does of its own accord, such as a job. It may call internal methods and needs no permission.
    package static func service(_ name: String, tenant: ID<Tenant>, requestID: String = Caller.newRequestID()) -> Caller {
        Caller(identity: CallerIdentity.service(name, tenant: tenant), requestID: requestID)
    }

    package static func newRequestID() -> String { "req_" + Trace.start().traceID }

    /// The caller of the work this task does.
    ///
    /// Traps where none is bound: code that asks runs outside an RPC method, a job or `Caller.with`, which no input can bring about.
    package static var current: Caller {
        guard let caller = CallContext.current?.caller else {
            fatalError("Caller.current is read where no caller is bound; wrap the work in Caller.with(_:)")
        }
        return caller
    }

    /// Runs `operation` on behalf of `caller`; a deadline or trace that is already bound stays.
    package static func with<R>(
        _ caller: Caller, isolation: isolated (any Actor)? = #isolation, operation: () async throws -> R
    ) async rethrows -> R {
        let outer = CallContext.current
        let context = CallContext(
            caller: caller, requestID: caller.requestID, address: outer?.address ?? "", userAgent: outer?.userAgent ?? "",
            trace: outer?.trace ?? .start(), deadline: outer?.deadline, permission: outer?.permission)
        return try await CallContext.$current.withValue(context, operation: operation, isolation: isolation)
    }

    package var isService: Bool { identity.isService }

    /// In the whole organization. Services may do everything; everybody else what their key or role allows.
    package func may(_ permission: String) -> Bool { isService || permissions.contains(permission) }

    /// Whether the caller may do in this project what the method being served does. A caller that may not gets the same answer as for a project that does not exist.
    package func mayUse(project: UUID) -> Bool { projects?.contains(project) ?? true }

    /// Called where the project of an object is known.
    /// - Throws: `project.not_found` for a project that the caller's key is not bound to, or in which they do not hold the method's permission.
    package func require(project: UUID) throws(Fault) {
        guard mayUse(project: project) else { throw Fault(.notFound, "project.not_found", "There is no such project.") }
    }

    package func require<Subject>(project: ID<Subject>) throws(Fault) { try require(project: project.uuid) }

    /// Called before something is made or changed that belongs to no project.
    /// - Throws: `permission.projects_only` for callers that are confined to projects, or hold the method's permission in some only.
    package func requireOrganization() throws(Fault) {
        guard projects == nil else {
            throw Fault(.forbidden, "permission.projects_only", "You may do this in certain projects only, not for the whole organization.")
        }
    }
}
