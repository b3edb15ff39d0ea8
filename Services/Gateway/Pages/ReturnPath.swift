/// Where a browser goes after signing in: a path of ours, or the first page. Whatever else stands in `return_to` was put there by somebody who wants
/// people to end up elsewhere (T53).
struct ReturnPath: Sendable, Equatable {
    static let maxLength = 2_048

    let text: String

    init(_ candidate: String?) {
        text = candidate.flatMap { Self.isOurs($0) ? $0 : nil } ?? "/"
    }

    /// Begins with exactly one slash and holds only printable ASCII without a backslash: browsers take `/\` for `//`, and drop tabs and line breaks
    /// before they look.
    private static func isOurs(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard
            (1...maxLength).contains(bytes.count), bytes[0] == UInt8(ascii: "/"), bytes.count == 1 || bytes[1] != UInt8(ascii: "/"),
            bytes.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\\") })
        else { return false }
        // Signing in must not end on the page that signs out, or on itself.
        let path = text.prefix { $0 != "?" && $0 != "#" }
        return path != "/sign-in" && path != "/sign-out" && !path.hasPrefix("/api/")
    }
}
