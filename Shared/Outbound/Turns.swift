import Primitives
import Synchronization

/// The answers of a table resolver that have not been given yet.
final class Turns: Sendable {
    private let answers: Mutex<[String: [[IPAddress]]]>

    init(_ answers: [String: [[IPAddress]]]) {
        self.answers = Mutex(answers)
    }

    func next(_ host: String) -> [IPAddress]? {
        answers.withLock { answers in
            guard let turns = answers[host], let first = turns.first else { return nil }
            if turns.count > 1 { answers[host] = Array(turns.dropFirst()) }
            return first
        }
    }
}
