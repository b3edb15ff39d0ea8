/// The API reference as a page shows it, made of openapi.json once.
struct DocsView: Sendable {
    // Names differ from level to level: a template that finds none in one looks for it in those around it.
    struct Group: Sendable {
        let name: String
        let anchor: String
        let purpose: RichText?
        let operations: [Operation]
    }

    struct Operation: Sendable {
        let id: String
        let verb: String
        /// `verb-get`, for its colour.
        let verbClass: String
        let path: String
        let summary: String
        let about: [RichText]
        let permission: String
        let isPublic: Bool
        let cost: String
        let deprecated: Deprecated?
        let parameters: [SchemaRows.Row]
        let hasParameters: Bool
        let body: [SchemaRows.Row]
        let hasBody: Bool
        let status: String
        let answer: String?
        let fields: [SchemaRows.Row]
        let hasFields: Bool
        let curl: String
        let swift: String
        let errors: [ErrorLink]
    }

    struct Deprecated: Sendable {
        let sunset: String?
    }

    struct ErrorLink: Sendable {
        let status: String
        let code: String
        let path: String
        let title: String
    }

    let introduction: [RichText]
    let groups: [Group]

    /// `publicURL`: what examples ask.
    init(document: OrderedJSON, catalogue: ErrorCatalogue, publicURL: String) {
        introduction = Self.paragraphs(document["info"]?["description"]?.text)
        let rows = SchemaRows(document: document)
        var operations: [(tag: String, operation: Operation)] = []
        for path in document["paths"]?.members ?? [] {
            for verb in path.value.members {
                let tag = verb.value["tags"]?.elements.first?.text ?? ""
                let reader = OperationReader(
                    document: document, rows: rows, catalogue: catalogue, publicURL: publicURL, path: path.name, verb: verb.name.uppercased(),
                    operation: verb.value)
                operations.append((tag, reader.view))
            }
        }
        groups = (document["tags"]?.elements ?? []).compactMap { tag in
            guard let name = tag["name"]?.text else { return nil }
            let own = operations.filter { $0.tag == name }.map(\.operation)
            guard !own.isEmpty else { return nil }
            return Group(name: Self.words(name), anchor: "group-" + name, purpose: RichText(tag["description"]?.text), operations: own)
        }
    }

    /// `API keys` for `APIKeys`.
    static func words(_ name: String) -> String {
        let words = name.matches(of: /[A-Z]+(?![a-z])|[A-Z][a-z0-9]*/).map(\.output)
        return words.enumerated().map { $0 == 0 || $1.allSatisfy(\.isUppercase) ? String($1) : $1.lowercased() }.joined(separator: " ")
    }

    static func paragraphs(_ text: String?) -> [RichText] {
        (text ?? "").split(separator: "\n\n").compactMap { RichText(String($0)) }
    }
}
