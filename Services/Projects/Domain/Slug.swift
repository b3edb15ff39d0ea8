import Foundation
import Primitives

/// A project's name in paths: 1–63 characters of a–z, 0–9 and hyphen, with neither end a hyphen. Never changes.
struct Slug: Hashable, Sendable, CustomStringConvertible {
    static let maxLength = 63

    let description: String

    /// - Throws: `request.invalid` at `/slug`.
    init(_ text: String) throws(Fault) {
        guard Self.isValid(text) else {
            throw .invalidField(
                "/slug", "invalid_slug", "A slug has 1–63 characters of a–z, 0–9 and hyphen, and neither begins nor ends with a hyphen.")
        }
        description = text
    }

    /// Folds a name: accents go, anything else that does not fit becomes one hyphen. `Überblick (neu)` → `uberblick-neu`.
    /// - Parameter last: takes the place of a name of which nothing is left, as of one in Han characters; a slug itself.
    init(madeFrom name: String, orElse last: String) {
        let folded = name.folding(options: [.diacriticInsensitive, .caseInsensitive, .widthInsensitive], locale: nil).lowercased()
        let words = folded.split { !("a"..."z").contains($0) && !("0"..."9").contains($0) }
        let text = words.joined(separator: "-").prefix(Self.maxLength)
        description = text.split(separator: "-", omittingEmptySubsequences: true).nilIfEmpty?.joined(separator: "-") ?? last
    }

    private static func isValid(_ text: String) -> Bool {
        let characters = text.utf8
        guard (1...maxLength).contains(characters.count), characters.first != 45, characters.last != 45 else { return false }
        return characters.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 }
    }
}

extension Collection {
    fileprivate var nilIfEmpty: Self? { isEmpty ? nil : self }
}
