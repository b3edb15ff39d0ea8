/// Tasks that wait for a condition guarded by a lock. Lives inside that lock's state.
///
/// A task takes a ticket in the same critical section in which it found the condition false, then parks; a wake or a cancellation between the
/// two is not lost. The first entry is stored inline because almost every stream has one reader and no more.
struct WaitList: Sendable {
    typealias Continuation = UnsafeContinuation<Void, Never>

    private struct Entry {
        let ticket: UInt64
        var continuation: Continuation?
    }

    private var first: Entry?
    private var rest: [Entry] = []
    private var nextTicket: UInt64 = 0

    mutating func ticket() -> UInt64 {
        let ticket = nextTicket
        nextTicket += 1
        if first == nil { first = Entry(ticket: ticket) } else { rest.append(Entry(ticket: ticket)) }
        return ticket
    }

    /// - Returns: false if the ticket was woken or cancelled meanwhile; the caller resumes the continuation itself.
    mutating func park(_ continuation: Continuation, ticket: UInt64) -> Bool {
        if first?.ticket == ticket {
            first?.continuation = continuation
            return true
        }
        guard let index = rest.firstIndex(where: { $0.ticket == ticket }) else { return false }
        rest[index].continuation = continuation
        return true
    }

    mutating func cancel(ticket: UInt64) -> Continuation? {
        if let entry = first, entry.ticket == ticket {
            first = nil
            return entry.continuation
        }
        guard let index = rest.firstIndex(where: { $0.ticket == ticket }) else { return nil }
        return rest.remove(at: index).continuation
    }

    /// Takes everybody out; call `resume` on the result after the lock was given back.
    mutating func wake() -> Woken {
        defer {
            first = nil
            if !rest.isEmpty { rest = [] }
        }
        return Woken(first: first?.continuation, rest: rest.isEmpty ? [] : rest.compactMap(\.continuation))
    }

    /// Tasks that were taken out of a list and have yet to be resumed.
    struct Woken: Sendable {
        let first: Continuation?
        let rest: [Continuation]

        func resume() {
            first?.resume()
            for continuation in rest { continuation.resume() }
        }
    }
}
