/// What few results have beside their texts. Stored as JSON, each list by itself.
struct ResultExtras: Equatable, Sendable {
    /// In the order of the report; names may come more than once.
    var properties: [Property] = []
    var attachments: [Attachment] = []
    /// Every other try of the test in the same run, in the order of the report. The result itself is the try that stands.
    var attempts: [Attempt] = []

    struct Property: Codable, Equatable, Sendable {
        let name: String
        let value: String
    }

    /// A file that the test made, as the report names it: data, never a path that is opened.
    struct Attachment: Codable, Equatable, Sendable {
        let path: String
        /// Media type, or empty.
        let type: String
    }

    struct Attempt: Codable, Equatable, Sendable {
        var outcome: Outcome
        var microseconds: Int64?
        var message = ""
        var type = ""
        var trace = ""
    }

    var isEmpty: Bool { properties.isEmpty && attachments.isEmpty && attempts.isEmpty }
    var byteCount: Int {
        properties.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count } + attachments.reduce(0) { $0 + $1.path.utf8.count }
            + attempts.reduce(0) { $0 + $1.message.utf8.count + $1.trace.utf8.count + 64 }
    }
}
