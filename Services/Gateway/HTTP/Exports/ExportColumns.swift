import Contract

/// The columns of a list as a table: the fields of its elements as the contract has them, in its order, so that a table looks the same whatever is in it.
/// Fields of nested objects are columns of their own (`counts.passed`); lists and maps are one column with JSON in it. Where the contract says that an
/// element has rows of its own (`ExportRows`), their fields stand behind those of the element.
struct ExportColumns: Sendable {
    /// Objects nested deeper are one column with JSON in it.
    static let maxDepth = 3

    /// Schema of the answer that the list stands in.
    let answer: String
    private let list: String
    private let paths: [[String]]
    private let rows: ExportRows?

    /// - Parameter list: of the answer.
    /// - Returns: `nil` when the route does not answer with such a list, or it is one of plain values beside others (`data` may be).
    init?(of route: Route, list: String = ExportLists.paged, in document: OrderedJSON) {
        guard route.lists.contains(where: { $0.name == list }) else { return nil }
        let operation = document["paths"]?[route.path.description]?[route.verb.rawValue.lowercased()]
        let schemas = document["components"]?["schemas"]
        let answer = operation?["responses"]?[String(route.successStatus)]?["content"]?["application/json"]?["schema"]
        let properties = Self.resolve(answer, schemas)?["properties"]
        guard let items = properties?[list]?["items"] else { return nil }
        guard list == ExportLists.paged || Self.resolve(items, schemas)?["properties"] != nil else { return nil }
        self.answer = answer?.schemaName ?? ""
        self.list = list
        rows = ExportRows(of: items, in: properties) { Self.resolve($0, schemas) }
        let paths = Self.paths(of: rows?.schema ?? items, schemas, inside: [])
        self.paths = paths.isEmpty ? [[]] : paths
    }

    init(paths: [[String]]) {
        answer = ""
        list = ExportLists.paged
        self.paths = paths
        rows = nil
    }

    /// What a page of the list has for a table or for lines, one element each.
    func elements(of answer: OrderedJSON) -> [OrderedJSON] {
        let elements = answer[list]?.elements ?? []
        return rows.map { rows in elements.flatMap { rows.rows(of: $0, in: answer) } } ?? elements
    }

    /// A list of plain values has one column, `value`.
    var header: String { CSVText.row(paths.map { CSVText.cell(text: $0.isEmpty ? "value" : $0.joined(separator: ".")) }) }

    /// What an element lacks is an empty cell; that 0, false and "" are no lack, `ExportZeros` has seen to.
    func row(_ element: OrderedJSON) -> String { CSVText.row(paths.map { Self.cell(at: $0, in: element) }) }

    private static func cell(at path: [String], in element: OrderedJSON) -> String {
        var value: OrderedJSON? = element
        for name in path { value = value?[name] }
        return switch value {
        case nil, .word("null"): ""
        case .text(let text): CSVText.cell(text: text)
        case .word(let word): CSVText.cell(literal: word)
        case .object, .array: CSVText.cell(literal: value?.line ?? "")
        }
    }

    private static func paths(of schema: OrderedJSON, _ schemas: OrderedJSON?, inside outer: [String]) -> [[String]] {
        let properties = resolve(schema, schemas)?["properties"]?.members ?? []
        if properties.isEmpty || outer.count == maxDepth { return outer.isEmpty ? [] : [outer] }
        return properties.flatMap { paths(of: $0.value, schemas, inside: outer + [$0.name]) }
    }

    private static func resolve(_ schema: OrderedJSON?, _ schemas: OrderedJSON?) -> OrderedJSON? {
        guard let name = schema?.schemaName else { return schema }
        return schemas?[name]
    }
}
