import Synchronization

/// The answers of a table resolver that have not been given yet.
final class Turns: Sendable {
    private let answers: Mutex<[String: [[IPAddress]]]>

    init(_ answers: [String: [[IPAddress]]]) {
        self.answers = Mutex(answers)
    }

    func next(_ host: String) -> [IPAddress]? {
        answers.withLock { answers in
            guard let first = answers[host]?.first else { return nil }
            if answers[host]!.count > 1 { answers[host]!.removeFirst() }
            return first
        }
    }
}
