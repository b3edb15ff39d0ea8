/// Tells one loop that there is something to look at. Raised often, it is heard once; raised while nobody listens, it is kept.
struct Signal: Sendable {
    let raised: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() {
        (raised, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func raise() { continuation.yield() }

    /// Ends the loop that listens, now or when it comes to listening.
    func finish() { continuation.finish() }
}
