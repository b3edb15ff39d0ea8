import Postgres
import Primitives

/// A handler without its payload's type, so that handlers of all kinds fit in one table.
struct BoundHandler: Sendable {
    let kind: String
    let concurrency: Int
    let backoff: Backoff
    let maxAttempts: Int
    let timeLimit: Duration
    /// Throws `DecodingError` for a payload that this release cannot read; a newer replica may, so it is tried again like any other failure.
    let handle: @Sendable (JSONText, Job) async throws -> Void

    init<Handler: JobHandler>(_ handler: Handler) {
        kind = Handler.Payload.kind
        concurrency = max(1, Handler.concurrency)
        backoff = Handler.backoff
        maxAttempts = Handler.maxAttempts
        timeLimit = Handler.timeLimit
        handle = { payload, job in try await handler.handle(payload.decode(Handler.Payload.self), job) }
    }
}
