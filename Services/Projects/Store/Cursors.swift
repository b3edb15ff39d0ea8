import Foundation
import Primitives

extension ID {
    /// The lists of this service are ordered by id, so a cursor is one.
    /// - Throws: `page.invalid_cursor`.
    static func cursor(_ text: String?) throws(Fault) -> ID? {
        guard let text else { return nil }
        guard let id = try? ID(text) else { throw .invalidCursor() }
        return id
    }
}
