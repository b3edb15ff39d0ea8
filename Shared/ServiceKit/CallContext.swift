/// Everything that belongs to the call being served, bound as one task-local value because binding costs the same for one field as for all.
package final class CallContext: Sendable {
    @TaskLocal package static var current: CallContext?

    /// `nil` in public methods that were called without identity.
    package let caller: Caller?
    package let requestID: String
    /// Of whoever sent the request to the gateway, for logs and the audit; empty for what services do of their own accord. Grants nothing.
    package let address: String
    /// What the sender said of itself (`User-Agent`), at most 200 printable ASCII characters; only the gateway's own methods hear of it.
    package let userAgent: String
    package let trace: Trace
    /// When the answer stops being of use. Calls made on behalf of this one get what is left; `nil` gives each the default of 10 s.
    package let deadline: ContinuousClock.Instant?
    /// What the method being served asks for; `nil` in methods that ask for none, and where no method is served.
    package let permission: String?

    package init(
        caller: Caller?, requestID: String, address: String = "", userAgent: String = "", trace: Trace = .start(),
        deadline: ContinuousClock.Instant? = nil, permission: String? = nil
    ) {
        self.caller = caller
        self.requestID = requestID
        self.address = address
        self.userAgent = userAgent
        self.trace = trace
        self.deadline = deadline
        self.permission = permission
    }

    /// Runs `operation` with at most `limit` for the calls it makes; an earlier deadline that is already bound stays.
    package static func withDeadline<R>(
        in limit: Duration, isolation: isolated (any Actor)? = #isolation, operation: () async throws -> R
    ) async rethrows -> R {
        let outer = current
        var deadline = ContinuousClock.now + limit
        if let bound = outer?.deadline, bound < deadline { deadline = bound }
        let context = CallContext(
            caller: outer?.caller, requestID: outer?.requestID ?? Caller.newRequestID(), address: outer?.address ?? "",
            userAgent: outer?.userAgent ?? "", trace: outer?.trace ?? .start(), deadline: deadline, permission: outer?.permission)
        return try await $current.withValue(context, operation: operation, isolation: isolation)
    }
}
