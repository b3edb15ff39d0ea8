import GRPCCore

/// What the contract says about calling one method, whichever way the call comes in.
///
/// ServiceKit's server interceptor checks `permission` on every call, the gateway takes `cost` from the caller's rate limit and writes `audit`.
/// The values are generated from `assay.rule` (Proto/Options/options.proto); nobody makes them by hand.
package struct MethodRule: Sendable, Hashable {
    package let method: MethodDescriptor

    /// What the caller must hold, such as `runs.read`. `authenticated` asks for any valid caller and `public` for none.
    /// Nil: the method is internal and only other services may call it.
    package let permission: String?

    /// What a call takes from the caller's rate limit; 0 is free.
    package let cost: Int

    /// Name of the entry that a successful call leaves in the audit log, such as `run.started`; nil writes none.
    package let audit: String?

    /// The kind of work, where the contract names one; see `Route.routeClass`.
    package let routeClass: RouteClass?

    /// The quota that a call uses some of, such as `members`.
    package let quota: String?

    package init(
        _ method: MethodDescriptor, permission: String? = nil, cost: Int = 1, audit: String? = nil, routeClass: RouteClass? = nil,
        quota: String? = nil
    ) {
        self.method = method
        self.permission = permission
        self.cost = cost
        self.audit = audit
        self.routeClass = routeClass
        self.quota = quota
    }
}
