import Foundation

/// Elements of an XML file that a program of the neighbourhood wrote, one after another, with the text in each: enough for Jenkins' `build.xml`, without a
/// parser of XML in the client. No entity but the five is known, and what is no element is passed over.
struct ElementText {
    /// An element that ends, by the names from the root to it.
    struct Element {
        let path: [String]
        /// Only of elements that hold nothing else; trimmed.
        let text: String
    }

    /// Deeper ones are not told apart from what they are in.
    private static let deepest = 64

    /// - Parameters:
    ///   - open: an element begins.
    ///   - close: an element ends.
    static func read(_ text: String, open: ([String]) -> Void = { _ in }, close: (Element) -> Void) {
        var path: [String] = []
        var rest = Substring(text)
        var isLeaf = false
        while let start = rest.firstIndex(of: "<") {
            let words = rest[..<start]
            let tag = rest[rest.index(after: start)...]
            if tag.hasPrefix("!--") {
                guard let end = tag.range(of: "-->") else { return }
                rest = tag[end.upperBound...]
                continue
            }
            guard let end = tag.firstIndex(of: ">") else { return }
            let inner = tag[..<end]
            rest = tag[tag.index(after: end)...]
            if inner.hasPrefix("?") || inner.hasPrefix("!") { continue }
            if inner.hasPrefix("/") {
                guard path.last == String(inner.dropFirst()) else { return }
                close(Element(path: path, text: isLeaf ? decoded(words) : ""))
                path.removeLast()
                isLeaf = false
                continue
            }
            let name = String(inner.prefix { !$0.isWhitespace && $0 != "/" })
            guard path.count < deepest else { return }
            path.append(name)
            open(path)
            isLeaf = true
            if inner.hasSuffix("/") {
                close(Element(path: path, text: ""))
                path.removeLast()
                isLeaf = false
            }
        }
    }

    private static func decoded(_ text: Substring) -> String {
        let text = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard text.contains("&") else { return text }
        return [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")].reduce(text) { $0.replacing($1.0, with: $1.1) }
    }
}
