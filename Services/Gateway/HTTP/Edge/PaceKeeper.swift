import NIOCore

/// Looks once a second at all connections of one event loop: one timer for all of them, and nothing to set or cancel with each request.
///
/// Event loop only, hence unchecked.
final class PaceKeeper: @unchecked Sendable {
    static let interval = TimeAmount.seconds(1)

    private let loop: any EventLoop
    private var watched: [ObjectIdentifier: PeerHandler] = [:]
    private var isTicking = false

    init(_ loop: any EventLoop) {
        self.loop = loop
    }

    func watch(_ peer: PeerHandler) {
        watched[ObjectIdentifier(peer)] = peer
        guard !isTicking else { return }
        isTicking = true
        schedule()
    }

    func forget(_ peer: PeerHandler) { watched[ObjectIdentifier(peer)] = nil }

    private func schedule() {
        loop.scheduleTask(in: Self.interval) {
            for peer in Array(self.watched.values) { peer.look(at: .now()) }
            self.isTicking = !self.watched.isEmpty
            if self.isTicking { self.schedule() }
        }
    }
}
