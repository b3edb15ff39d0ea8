/// The way to the other pages of a list.
struct Pager: Sendable {
    /// Back to the beginning; absent there. Named as nothing on a page is: a template takes what is absent here from around it.
    let firstPath: String?
    let firstLabel: String
    let nextPath: String?
    let nextLabel: String

    /// `nil` when everything fits on one page.
    init?(first: String?, next: String?, firstLabel: String = "Newest", nextLabel: String = "Older") {
        guard first != nil || next != nil else { return nil }
        firstPath = first
        self.firstLabel = firstLabel
        nextPath = next
        self.nextLabel = nextLabel
    }
}

/// The address of a page with a query.
enum PageAddress {
    /// Leaves out what is empty.
    static func of(_ path: String, _ query: [(name: String, value: String)], fragment: String = "") -> String {
        let pairs = query.filter { !$0.value.isEmpty }.map { PercentEncoding.encode($0.name) + "=" + PercentEncoding.encode($0.value) }
        return path + (pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&")) + (fragment.isEmpty ? "" : "#" + fragment)
    }

    /// Ids go through here too: they come from other services, and a path must stay one.
    static func path(_ parts: String...) -> String {
        parts.map { "/" + PercentEncoding.encode($0) }.joined()
    }

    static func project(_ slug: String) -> String { path("projects", slug) }
    static func run(_ id: String) -> String { path("runs", id) }
    static func result(_ id: String) -> String { path("results", id) }
    static func test(_ id: String) -> String { path("tests", id) }
}
