import Contract
import Primitives

/// The lists of an answer that can be had as tables or in lines instead of the answer: `data`, which is read page by page, and other lists of objects, which
/// stand in one answer whole. Whatever asks and changes nothing has them; an answer to a change is for once, and says more than a table could.
struct ExportLists: Sendable {
    /// The parameter that names one of them: `list=reasons`.
    static let parameter = "list"
    /// The list that has pages.
    static let paged = "data"

    /// One that a request asks for.
    struct List: Sendable {
        let name: String
        let columns: ExportColumns
    }

    /// One of them is read page by page.
    let hasPages: Bool
    private let lists: [List]

    /// - Returns: `nil` when the route's answer has none.
    init?(of route: Route, in document: OrderedJSON) {
        let onlyAsks = route.verb == .get || (route.routeClass == .read && !route.takesIdempotencyKey)
        guard onlyAsks, !route.responseStreams else { return nil }
        let lists = route.lists.compactMap { list in
            ExportColumns(of: route, list: list.name, in: document).map { List(name: list.name, columns: $0) }
        }
        guard !lists.isEmpty else { return nil }
        self.lists = lists
        hasPages = route.verb == .get && lists.contains { $0.name == Self.paged }
    }

    /// In the order of the contract.
    var names: [String] { lists.map(\.name) }

    /// Takes `list=reasons` out of a request's query, which then is that of the answer. Where none is named it is `data`, else the first. JSON has all of
    /// them, so there it changes nothing.
    /// - Throws: `request.invalid` for a list that the answer does not have, `request.duplicate_parameter`.
    func take(from exchange: inout Exchange) throws(Fault) -> List {
        let named = try exchange.target.take(Self.parameter)
        guard named.count < 2 else { throw .duplicateParameter(Self.parameter) }
        guard let name = named.first else { return lists.first { $0.name == Self.paged } ?? lists[0] }
        guard let list = lists.first(where: { $0.name == name }) else {
            throw .parameterInvalid(Self.parameter, names.count == 1 ? names[0] : "one of \(names.joined(separator: ", "))")
        }
        return list
    }
}

extension RequestTarget {
    /// The list that the query names; `nil` where it names none, or that with pages. Whether the answer has it is seen later.
    var unpagedList: String? {
        var rest = self
        let named = try? rest.take(ExportLists.parameter)
        return named?.first { $0 != ExportLists.paged }
    }

    /// Takes a parameter out of the query.
    /// - Returns: its values.
    /// - Throws: `request.malformed_query`.
    mutating func take(_ name: String) throws(Fault) -> [String] {
        let start = name + "="
        guard rawQuery.contains(start) else { return [] }
        var (values, rest): ([String], [Substring]) = ([], [])
        for part in rawQuery.split(separator: "&", omittingEmptySubsequences: true) {
            guard part.hasPrefix(start) else {
                rest.append(part)
                continue
            }
            guard let value = PercentEncoding.decode(part.dropFirst(start.count), plusIsSpace: true) else { throw .queryMalformed }
            values.append(value)
        }
        self = RequestTarget(path: path, rawQuery: rest.joined(separator: "&")[...])
        return values
    }
}
