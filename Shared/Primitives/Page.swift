/// One page of a list in keyset order.
package struct Page<Element: Sendable>: Sendable {
    package let items: [Element]
    /// Where the next page starts, `nil` on the last one. Opaque to users: the gateway signs it.
    package let next: String?

    /// `rows` is one longer than `limit` when there is more: stores ask for `limit + 1`.
    package init(rows: [Element], limit: Int, cursor: (Element) -> String) {
        let more = rows.count > limit
        items = more ? Array(rows.prefix(limit)) : rows
        next = more ? items.last.map(cursor) : nil
    }
}

/// What a list call asks for.
package struct PageRequest: Sendable {
    package static let defaultLimit = 50
    package static let maxLimit = 200

    package let limit: Int
    package let cursor: String?

    /// - Parameters:
    ///   - limit: 0 means not given.
    ///   - most: at least `defaultLimit`; less than `maxLimit` where items are so large that as many would not fit into one message.
    /// - Throws: `page.limit_out_of_range` for more than `most` (T26: refused, not clamped).
    package init(limit: Int, cursor: String, most: Int = maxLimit) throws(Fault) {
        guard (0...most).contains(limit) else {
            throw Fault(
                .invalid, "page.limit_out_of_range", "limit must be between 1 and \(most).",
                fields: [.init("limit", "out_of_range", "1…\(most)")])
        }
        self.limit = limit == 0 ? Self.defaultLimit : limit
        self.cursor = cursor.isEmpty ? nil : cursor
    }
}

extension PageRequest {
    /// The cursor of a list that is ordered by id; `nil` on the first page.
    /// - Throws: `page.invalid_cursor`.
    package func after<Subject>(_ kind: ID<Subject>.Type = ID<Subject>.self) throws(Fault) -> ID<Subject>? {
        guard let cursor else { return nil }
        guard let id = try? ID<Subject>(cursor) else { throw .invalidCursor }
        return id
    }

    /// The cursor of a list that is ordered by a number, such as versions are; `nil` on the first page.
    /// - Throws: `page.invalid_cursor`.
    package func afterNumber() throws(Fault) -> Int64? {
        guard let cursor else { return nil }
        guard let number = Int64(cursor) else { throw .invalidCursor }
        return number
    }
}

extension Fault {
    /// A cursor that some other list gave, or none.
    package static let invalidCursor = Fault(
        .invalid, "page.invalid_cursor", "The cursor is not one of this list.", fields: [.init("cursor", "invalid", "Start without a cursor.")])
}
