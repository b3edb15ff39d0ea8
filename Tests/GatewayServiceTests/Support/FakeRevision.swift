import Synchronization

/// How often what a project has delivered has changed, as the fakes of Analytics tell it. While it is 0 their answers have no revision.
final class FakeRevision: Sendable {
    let number = Mutex<Int64>(0)

    /// What a service does: whoever has the answer of this revision is given nothing else.
    func answer<Answer>(
        known: Int64, _ revision: WritableKeyPath<Answer, Int64>, empty: Answer, _ answer: () throws -> Answer
    ) rethrows -> Answer {
        let current = number.withLock { $0 }
        var told = current > 0 && known == current ? empty : try answer()
        told[keyPath: revision] = current
        return told
    }
}
