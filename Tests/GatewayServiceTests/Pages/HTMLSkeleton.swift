/// The tags of a document with the names of their attributes, read as browsers do: what text cannot change unless it has broken out of its place.
struct HTMLSkeleton: Equatable {
    private(set) var tags: [String] = []

    init(_ html: String) {
        var rest = Array(html.unicodeScalars)[...]
        while let scalar = rest.popFirst() {
            guard scalar == "<", let next = rest.first, next.properties.isAlphabetic && next.isASCII || next == "/" || next == "!" || next == "?"
            else { continue }
            tags.append(Self.tag(&rest))
        }
    }

    private static func tag(_ rest: inout ArraySlice<Unicode.Scalar>) -> String {
        var tag = text(&rest) { !isSpace($0) && $0 != ">" }
        while true {
            rest = rest.drop { isSpace($0) || $0 == "/" }
            guard let first = rest.first else { return tag + " unfinished" }
            if first == ">" {
                rest = rest.dropFirst()
                return tag
            }
            tag += " " + text(&rest) { !isSpace($0) && $0 != "=" && $0 != ">" && $0 != "/" }
            rest = rest.drop(while: isSpace)
            guard rest.first == "=" else {
                // A sign that can begin no attribute would be looked at for ever.
                continue
            }
            rest = rest.dropFirst().drop(while: isSpace)
            if let quote = rest.first, quote == "\"" || quote == "'" {
                rest = rest.dropFirst().drop { $0 != quote }.dropFirst()
            } else {
                tag += "=unquoted"
                rest = rest.drop { !isSpace($0) && $0 != ">" }
            }
        }
    }

    private static func text(_ rest: inout ArraySlice<Unicode.Scalar>, while belongs: (Unicode.Scalar) -> Bool) -> String {
        var text = String.UnicodeScalarView()
        // The first one belongs whatever it is, so that every call gets further.
        while let scalar = rest.first, text.isEmpty || belongs(scalar) {
            text.append(scalar)
            rest = rest.dropFirst()
        }
        return String(text)
    }

    private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        scalar == " " || scalar == "\n" || scalar == "\t" || scalar == "\r" || scalar == "\u{0C}"
    }
}
