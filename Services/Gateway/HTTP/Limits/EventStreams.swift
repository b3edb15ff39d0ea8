import Primitives
import Synchronization

/// Event streams that are open: each holds a connection and a call upstream for up to an hour, so they have caps of their own (T37).
final class EventStreams: Sendable {
    /// One place; given back when nobody holds it any more, however the stream ended.
    final class Place: Sendable {
        private let streams: EventStreams
        private let key: BucketKey

        fileprivate init(_ streams: EventStreams, _ key: BucketKey) {
            self.streams = streams
            self.key = key
        }

        deinit { streams.leave(key) }
    }

    let perKey: Int
    let total: Int
    /// How often a stream says that it is alive, and whoever reads it is looked at again.
    let heartbeat: Duration
    private let open = Mutex<(all: Int, byKey: [BucketKey: Int])>((0, [:]))

    init(perKey: Int, total: Int, heartbeat: Duration = .seconds(15)) {
        self.heartbeat = heartbeat
        self.perKey = perKey
        self.total = total
    }

    /// - Throws: `streams.too_many` when the key or session has its share, `streams.full` when the gateway has.
    func enter(_ key: BucketKey) throws(Fault) -> Place {
        let fault: Fault? = open.withLock { open in
            let own = open.byKey[key] ?? 0
            guard own < perKey else { return .tooManyStreams(perKey) }
            guard open.all < total else { return .streamsFull }
            open.all += 1
            open.byKey[key] = own + 1
            return nil
        }
        if let fault { throw fault }
        return Place(self, key)
    }

    private func leave(_ key: BucketKey) {
        open.withLock { open in
            let own = (open.byKey[key] ?? 1) - 1
            open.all -= 1
            open.byKey[key] = own == 0 ? nil : own
        }
    }
}
