import Primitives

/// How one try of a job ended.
enum JobOutcome: Sendable, Equatable {
    case done
    case retry(after: Duration, error: String)
    case dead(error: String)
    /// The process is stopping: the try is not counted and another process may begin at once.
    case givenBack

    static let maxErrorLength = 2000

    /// What follows from an error that a handler threw.
    init(_ error: any Error, attempt: Int, handler: BoundHandler, using random: inout some RandomNumberGenerator) {
        let fault = error as? Fault
        let text = Self.text(error)
        if let fault, Self.isFinal(fault.kind) {
            self = .dead(error: text)
        } else if attempt >= handler.maxAttempts {
            self = .dead(error: "gave up after \(attempt) attempts: \(text)")
        } else {
            self = .retry(after: fault?.retryAfter ?? handler.backoff.delay(attempt: attempt, using: &random), error: text)
        }
    }

    /// Trying the same again cannot help. `FaultKind.isPassing` says so for all kinds, those too that only users meet.
    private static func isFinal(_ kind: FaultKind) -> Bool { !kind.isPassing }

    /// For the row, where operators read it. Never shown to users.
    private static func text(_ error: any Error) -> String {
        let text = if let fault = error as? Fault { "\(fault.code): \(fault.detail)" } else { "\(type(of: error)): \(error)" }
        return String(text.replacing("\0", with: "").prefix(maxErrorLength))
    }

    /// Label of the metric.
    var name: String {
        switch self {
        case .done: "done"
        case .retry: "retried"
        case .dead: "failed"
        case .givenBack: "given_back"
        }
    }
}
