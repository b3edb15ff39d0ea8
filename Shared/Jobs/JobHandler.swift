import Primitives

/// What a job is about. Carries ids, not state: the handler loads what is true when it runs.
///
/// Stored as JSON, and read by the next release too: new properties are optional, old ones stay.
package protocol JobPayload: Codable, Sendable {
    /// The handler's name in kebab-case, `publish-run`. Stored with the job, so it never changes.
    static var kind: String { get }
}

/// Does the jobs of one kind.
///
/// A handler runs at least once: it returns early when its work is done already, and throws to be tried again. A `Fault` that is not passing
/// (`FaultKind.isPassing`) buries the job at once, `Fault.retryAfter` sets the delay of the next try. Counting, logging and waiting are the runner's.
package protocol JobHandler: Sendable {
    associatedtype Payload: JobPayload

    /// Jobs of this kind that one process runs at once.
    static var concurrency: Int { get }
    static var backoff: Backoff { get }
    /// A job that failed this often is dead.
    static var maxAttempts: Int { get }
    /// A job that takes longer is cancelled. If it does not end even so, its lease is no longer renewed and another process takes over.
    static var timeLimit: Duration { get }

    func handle(_ payload: Payload, _ job: Job) async throws
}

extension JobHandler {
    package static var concurrency: Int { 4 }
    /// With 20 attempts, some two and a half hours: longer than most outages.
    package static var backoff: Backoff { Backoff(first: .seconds(1), limit: .seconds(900)) }
    package static var maxAttempts: Int { 20 }
    package static var timeLimit: Duration { .seconds(600) }
}
