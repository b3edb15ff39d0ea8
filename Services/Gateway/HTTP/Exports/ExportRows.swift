/// How elements of a list become several rows of an export: a row for each element of a list within them that the contract marks with `rows`, with the fields
/// of the element beside its own. A field of it that only counts into a list of the answer (`index_of`) is that list's element there, because a table has no
/// list beside it, and each page of one its own.
struct ExportRows: Sendable {
    /// Of such a row, as openapi.json has schemas.
    let schema: OrderedJSON

    private let list: String
    /// Fields that count, with the lists that they count in.
    private let counting: [(field: String, list: String)]

    /// - Parameters:
    ///   - element: schema of the exported list's elements.
    ///   - answer: properties of the answer.
    ///   - resolve: follows a reference.
    /// - Returns: `nil` when the elements have no such list.
    init?(of element: OrderedJSON, in answer: OrderedJSON?, resolve: (OrderedJSON?) -> OrderedJSON?) {
        let outer = resolve(element)?["properties"]?.members ?? []
        guard let marked = outer.first(where: { $0.value["x-assay-rows"]?.isTrue == true }) else { return nil }
        list = marked.name
        let inner = resolve(marked.value["items"])?["properties"]?.members ?? []
        var counting: [(field: String, list: String)] = []
        let own = inner.map { member in
            guard let target = member.value["x-assay-index-of"]?.text, let items = answer?[target]?["items"] else { return member }
            counting.append((member.name, target))
            return OrderedJSON.Member(name: member.name, value: items)
        }
        self.counting = counting
        let rest = outer.filter { $0.name != marked.name }
        schema = .object([OrderedJSON.Member(name: "properties", value: .object(rest + own))])
    }

    /// None of an element whose list is empty.
    func rows(of element: OrderedJSON, in answer: OrderedJSON) -> [OrderedJSON] {
        let rest = element.members.filter { $0.name != list }
        return (element[list]?.elements ?? []).map { .object(rest + own($0, in: answer)) }
    }

    /// JSON leaves a 0 out, and a row must still say what it counts to.
    private func own(_ row: OrderedJSON, in answer: OrderedJSON) -> [OrderedJSON.Member] {
        let looked = counting.compactMap { field, list -> OrderedJSON.Member? in
            let elements = answer[list]?.elements ?? []
            guard let index = Int(row[field]?.word ?? "0"), elements.indices.contains(index) else { return nil }
            return OrderedJSON.Member(name: field, value: elements[index])
        }
        return looked + row.members.filter { member in !counting.contains { $0.field == member.name } }
    }
}
