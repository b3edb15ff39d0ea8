/// Moves the secrets of channels made by earlier releases under the key of their own tenant. Finds nothing once that is done.
struct ResealChannels: Sendable {
    static let batch = 100

    let channels: ChannelStore

    func round() async throws {
        while try await channels.reseal(limit: Self.batch) == Self.batch, !Task.isCancelled {}
    }
}
