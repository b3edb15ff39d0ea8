import Primitives

/// A part of a page that another service delivers. When it cannot, the rest of the page is there all the same, with a note in its place.
enum Panel<Content: Sendable>: Sendable {
    case content(Content)
    case note(String)

    /// - Parameter what: for the note, such as `Trends`.
    static func load(_ what: String, _ fetch: () async throws -> Content) async -> Panel {
        do {
            return .content(try await fetch())
        } catch {
            return .note(note(what, Fault(answering: error)))
        }
    }

    private static func note(_ what: String, _ fault: Fault) -> String {
        switch fault.kind {
        case .forbidden: "\(what) are not for this API key: \(fault.detail)"
        case .notFound: "\(what) are not there yet."
        case .invalid, .conflict, .precondition: fault.detail
        case .exhausted: "\(what) could not be loaded because too much was asked for at once. Please reload in a moment."
        case .unauthenticated, .unavailable, .internal:
            "\(what) cannot be shown right now. The rest of this page is complete; please reload in a moment."
        }
    }

    var content: Content? {
        if case .content(let content) = self { content } else { nil }
    }

    var note: String? {
        if case .note(let text) = self { text } else { nil }
    }
}
