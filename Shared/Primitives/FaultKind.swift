/// What sort of failure it is; decides HTTP status, gRPC code and whether a job is tried again.
package enum FaultKind: String, CaseIterable, Sendable {
    /// The request can never succeed as it is (400; 422 where the syntax was fine).
    case invalid
    case unauthenticated
    case forbidden
    case notFound
    /// Another writer was there first (409).
    case conflict
    /// The object is in the wrong state (409).
    case precondition
    /// A limit is used up (429); see `Fault.retryAfter`.
    case exhausted
    case unavailable
    case `internal`

    /// Trying the same again later may succeed.
    package var isPassing: Bool {
        switch self {
        case .exhausted, .unavailable, .internal, .conflict, .unauthenticated: true
        case .invalid, .forbidden, .notFound, .precondition: false
        }
    }
}
