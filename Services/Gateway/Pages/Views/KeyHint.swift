/// A key that decides something about the row that one is at, beside those that every list has (`keys.mustache`). An element of the row names it in
/// `data-key`.
struct KeyHint: Sendable {
    let key: String
    let label: String

    init(_ key: String, _ label: String) {
        self.key = key
        self.label = label
    }
}
