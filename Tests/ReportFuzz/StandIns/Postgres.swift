/// In place of the database's module, of which reports need one type: a text that is JSON.
package struct JSONText: Hashable, Sendable {
    package let text: String

    package init(_ text: String) {
        self.text = text
    }
}
