/// One edition of how it is decided whether a failed test is tried again: what is asked, in which order, and which trouble goes away by itself. Plans
/// say by which edition they were made and are replayed by that one, so what has been released stays as it is and the next edition stands beside it.
struct RetryEdition: Sendable, Equatable {
    /// What can decide, and what each of them says is in `RetryDecision`.
    enum Ground: Sendable {
        case quarantine
        /// It is no test.
        case process
        /// A person says that it is never tried again.
        case personNever
        /// It has had all the executions that the policy allows.
        case attempts
        case tooManyFailures
        /// A person says that it is always tried again. What the policy allows stands before it.
        case personAlways
        /// What the test is known for.
        case reputation
        /// It fails since an earlier run.
        case earlierRuns
        case sameFailure
        /// What trouble of its category does when it is let alone.
        case nature
    }

    let number: Int32
    /// The first that has anything to say decides; where none has, nothing rules another try out.
    let order: [Ground]
    /// Categories, by their names in the contract, of what goes away by itself often enough.
    let transient: Set<String>
    /// Of what stays until somebody mends it: credentials, rights and certificates do not heal. Of other categories neither can be said.
    let lasting: Set<String>

    /// Oldest first.
    static let released = [
        RetryEdition(
            number: 1,
            order: [.quarantine, .process, .attempts, .tooManyFailures, .reputation, .earlierRuns, .sameFailure, .nature],
            transient: ["TIMEOUT", "NETWORK", "DNS", "SERVER_ERROR", "ENVIRONMENT", "RESOURCE", "CONCURRENCY"],
            lasting: ["AUTHENTICATION", "AUTHORIZATION", "TLS"]),
        // Knows what people say of trying a test again.
        RetryEdition(
            number: 2,
            order: [
                .quarantine, .process, .personNever, .attempts, .tooManyFailures, .personAlways, .reputation, .earlierRuns, .sameFailure, .nature,
            ],
            transient: ["TIMEOUT", "NETWORK", "DNS", "SERVER_ERROR", "ENVIRONMENT", "RESOURCE", "CONCURRENCY"],
            lasting: ["AUTHENTICATION", "AUTHORIZATION", "TLS"]),
    ]
    /// By which plans are made now.
    static let current = released[released.count - 1]

    /// - Returns: `nil` for one that this release does not have.
    static func numbered(_ number: Int32, among editions: [RetryEdition] = released) -> RetryEdition? {
        editions.first { $0.number == number }
    }

    /// Whether what people say is looked at, and is among the inputs.
    var asksPeople: Bool { order.contains(.personNever) || order.contains(.personAlways) }
}
