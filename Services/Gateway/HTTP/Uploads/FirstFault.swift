import Primitives
import Synchronization

/// What went wrong first on the client's side of an upload: that is the answer, not the cancelled call that follows from it.
final class FirstFault: Sendable {
    private let first = Mutex<Fault?>(nil)

    var fault: Fault? { first.withLock { $0 } }

    func record(_ fault: Fault) {
        first.withLock { $0 = $0 ?? fault }
    }
}
