import Primitives
import ServiceKit

/// A known caller as the gateway needs it on every request: what it may do, the identity whose signed tokens are remembered, and the names of
/// its buckets. Made once per look-up of a key, not once per request.
struct Principal: Sendable {
    let identity: Identity
    let caller: CallerIdentity
    let keyBucket: BucketKey
    let tenantBucket: BucketKey

    init(_ identity: Identity) {
        self.identity = identity
        caller = CallerIdentity(
            tenant: identity.tenant, actor: identity.actor.description, permissions: identity.permissions, projects: identity.projects,
            grants: ProjectGrants(identity.grants), impersonator: identity.impersonator?.description, owner: identity.owner?.description,
            session: identity.session?.description, lane: identity.lane)
        keyBucket = BucketKey(.key, identity.actor.uuid)
        tenantBucket = BucketKey(.tenant, identity.tenant.uuid)
    }
}
