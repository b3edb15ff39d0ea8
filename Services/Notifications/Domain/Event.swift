import Foundation
import Primitives

/// Something that happened, as a sender tells it.
struct Event: Identified, Sendable {
    static let idPrefix = "evt"
    static let maxBodyBytes = 20_000
    static let maxFailures = 200
    static let runFinished = "run.finished"

    /// Chosen by the sender, the same however often it is sent. Becomes the `webhook-id` header, so it is printable ASCII.
    let id: String
    /// `run.finished`
    let type: String
    let project: ID<Project>?
    /// What is sent: `{"type": …, "timestamp": …, "data": {…}}`.
    let body: String
    /// Of a finished run.
    let failures: [EventFailure]

    /// - Parameter data: a JSON object.
    /// - Throws: `request.invalid` naming the field; `events.too_large` for a body of 20 kB or more.
    init(id: String, type: String, project: ID<Project>?, occurredAt: Date, data: String, failures: [EventFailure] = []) throws(Fault) {
        guard failures.count <= Self.maxFailures else {
            throw .invalidField("/failures", "too_many", "An event tells of \(Self.maxFailures) failures at most.")
        }
        self.failures = failures
        guard (1...255).contains(id.utf8.count), id.utf8.allSatisfy({ (33...126).contains($0) }) else {
            throw .invalidField("/id", "invalid", "An event's id is 1–255 printable characters.")
        }
        guard Self.isType(type) else { throw .invalidField("/type", "invalid_event", "An event's type looks like run.finished.") }
        self.id = id
        self.type = type
        self.project = project
        let time = occurredAt.formatted(.iso8601.year().month().day().time(includingFractionalSeconds: true).timeZone(separator: .omitted))
        // Type and time need no escaping: their alphabets are checked.
        body = #"{"type":"\#(type)","timestamp":"\#(time)","data":\#(data)}"#
        guard body.utf8.count < Self.maxBodyBytes else { throw Fault(.invalid, "events.too_large", "An event's body must stay under 20 kB.") }
    }

    /// Two or three words of a–z and _, joined by full stops.
    static func isType(_ text: String) -> Bool {
        let words = text.split(separator: ".", omittingEmptySubsequences: false)
        return text.utf8.count <= 100 && (2...3).contains(words.count)
            && words.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { (97...122).contains($0) || $0 == 95 } }
    }
}
