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

    /// - Parameter limit: 0 means not given.
    /// - Throws: `page.limit_out_of_range` for more than 200 (T26: refused, not clamped).
    package init(limit: Int, cursor: String) throws(Fault) {
        guard (0...Self.maxLimit).contains(limit) else {
            throw Fault(
                .invalid, "page.limit_out_of_range", "limit must be between 1 and \(Self.maxLimit).",
                fields: [.init("limit", "out_of_range", "1…\(Self.maxLimit)")])
        }
        self.limit = limit == 0 ? Self.defaultLimit : limit
        self.cursor = cursor.isEmpty ? nil : cursor
    }
}
