import Foundation

/// A finished run as GitHub shows it beside its commit (https://docs.github.com/rest/checks/runs), cut to what that API takes. Values only: what goes over
/// the wire, and in how many requests, is decided here, and sent by `GitHubChecks`.
struct CheckRun: Equatable, Sendable {
    /// Annotations of one request; further ones come with updates of the same check run.
    static let batch = 50
    /// Annotations in all.
    static let maxAnnotations = 200
    /// Bytes of summary, and of text.
    static let maxText = 65_534
    /// Bytes of an annotation's message, and of its raw details.
    static let maxDetail = 63_999
    /// Characters of a title.
    static let maxTitle = 254

    enum Conclusion: String, Codable, Sendable {
        case success, failure, neutral, cancelled
        case timedOut = "timed_out"
    }

    struct Annotation: Encodable, Equatable, Sendable {
        let path: String
        let startLine: Int
        let endLine: Int
        let annotationLevel: String
        let title: String
        let message: String
        let rawDetails: String?
    }

    let name: String
    let headSha: String
    /// The event: by it a check run is found again whose answer was lost.
    let externalID: String
    let detailsURL: String?
    let completedAt: String
    let conclusion: Conclusion
    let title: String
    let summary: String
    let text: String?
    let annotations: [Annotation]

    /// What GitHub has of it.
    struct Known: Equatable, Sendable {
        let isCompleted: Bool
        let annotations: Int
    }

    struct Step: Equatable, Sendable {
        let isCreation: Bool
        /// JSON.
        let body: Data
    }

    /// What is left to be sent, in order: the first makes the check run if there is none, the last one completes it.
    /// - Parameter known: `nil` when there is none. Annotations are added by every update, so those that are there are not sent again.
    func steps(after known: Known? = nil) -> [Step] {
        if known?.isCompleted == true { return [] }
        var rest = annotations.dropFirst(known?.annotations ?? 0)
        var steps: [Step] = []
        repeat {
            let part = rest.prefix(Self.batch)
            rest = rest.dropFirst(part.count)
            let isCreation = known == nil && steps.isEmpty
            steps.append(Step(isCreation: isCreation, body: body(Array(part), isCreation: isCreation, isLast: rest.isEmpty)))
        } while !rest.isEmpty
        return steps
    }

    // MARK: - JSON

    private struct Payload: Encodable {
        let name: String?
        let headSha: String?
        let externalId: String?
        let detailsUrl: String?
        let status: String
        let conclusion: Conclusion?
        let completedAt: String?
        let output: Output

        struct Output: Encodable {
            let title: String
            let summary: String
            let text: String?
            let annotations: [Annotation]
        }
    }

    private func body(_ annotations: [Annotation], isCreation: Bool, isLast: Bool) -> Data {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let payload = Payload(
            name: isCreation ? name : nil, headSha: isCreation ? headSha : nil, externalId: isCreation ? externalID : nil,
            detailsUrl: isCreation ? detailsURL : nil, status: isLast ? "completed" : "in_progress", conclusion: isLast ? conclusion : nil,
            completedAt: isLast ? completedAt : nil, output: .init(title: title, summary: summary, text: text, annotations: annotations))
        // Texts, numbers and lists of them can always be encoded.
        return (try? encoder.encode(payload)) ?? Data()
    }

    /// A whole commit id, which is all that GitHub takes.
    static func isCommit(_ text: String) -> Bool {
        (text.utf8.count == 40 || text.utf8.count == 64)
            && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) || (65...70).contains($0) }
    }
}
