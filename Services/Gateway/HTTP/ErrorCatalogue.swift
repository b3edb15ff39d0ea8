import Foundation

/// Every error code of every service with what to do about it, as openapi.json holds it; the source is Proto/Gateway/errors.json.
struct ErrorCatalogue: Sendable {
    struct Entry: Decodable, Sendable, Equatable {
        let code: String
        let status: Int
        /// What holds for every occurrence; `detail` of a problem is about the one.
        let title: String
        /// What to do. `…` marks code.
        let action: String
    }

    /// In alphabetical order.
    let entries: [Entry]
    private let byCode: [String: Entry]

    /// The one that was built with this process. Empty where the document is missing, which `SystemEndpoints` reports at the start.
    static let bundled: ErrorCatalogue = {
        struct Document: Decodable {
            let errors: [Entry]

            enum CodingKeys: String, CodingKey { case errors = "x-assay-errors" }
        }
        guard let document = try? JSONDecoder().decode(Document.self, from: BundledDocument.bytes) else { return ErrorCatalogue(entries: []) }
        return ErrorCatalogue(entries: document.errors)
    }()

    init(entries: [Entry]) {
        self.entries = entries
        byCode = Dictionary(entries.map { ($0.code, $0) }) { first, _ in first }
    }

    subscript(code: String) -> Entry? { byCode[code] }

    /// Where a code is explained; codes hold nothing that a path must escape.
    static func path(of code: String) -> String { "/errors/" + code }
}
