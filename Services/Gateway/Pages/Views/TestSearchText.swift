/// What lists of tests are searched for, as a page's address says it.
enum TestSearchText {
    /// What a list that holds nothing of it says.
    static let none = "No test has this in its suite, class or name."

    static func of(_ text: String?) -> String { (text ?? "").trimmed.shortened(to: 200) }
}
