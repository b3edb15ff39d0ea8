/// Prose of the contracts, in which `…` marks code: parts that a template can print without holding any markup themselves.
struct RichText: Sendable, Equatable {
    struct Part: Sendable, Equatable {
        let text: String
        let isCode: Bool
    }

    let parts: [Part]

    /// - Returns: nil for an empty text.
    init?(_ text: String?) {
        guard let text, !text.isEmpty else { return nil }
        parts = text.split(separator: "`", omittingEmptySubsequences: false).enumerated().compactMap { index, part in
            part.isEmpty ? nil : Part(text: String(part), isCode: !index.isMultiple(of: 2))
        }
    }
}
