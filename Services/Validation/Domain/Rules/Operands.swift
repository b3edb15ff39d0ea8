/// Finds what `Comparison` calls operands, in texts in lower case. Linear in the text.
enum Operands {
    typealias Line = ArraySlice<UInt8>

    /// What stands between two quotes of a sort. The apostrophe of "can't" opens nothing, that of Python's `b'…'` does.
    static func quoted(in text: [UInt8]) -> [Range<Int>] {
        func isWord(_ place: Int) -> Bool { text.indices.contains(place) && isWordByte(text[place]) }
        func opens(_ place: Int) -> Bool {
            switch text[place] {
            case UInt8(ascii: "\""), UInt8(ascii: "`"): true
            case UInt8(ascii: "'"): !isWord(place - 1) || (!isWord(place - 2) && [UInt8(ascii: "b"), UInt8(ascii: "u")].contains(text[place - 1]))
            default: false
            }
        }
        var found: [Range<Int>] = []
        // No later one is closed either, so a text is gone through once a sort.
        var unclosed: Set<UInt8> = []
        var place = 0
        while place < text.count {
            let quote = text[place]
            guard opens(place), !unclosed.contains(quote) else {
                place += 1
                continue
            }
            var end = place + 1
            while end < text.count, text[end] != quote || (quote == UInt8(ascii: "'") && isWord(end + 1)) {
                end += text[end] == UInt8(ascii: "\\") ? 2 : 1
            }
            if end < text.count { found.append(place + 1..<end) } else { unclosed.insert(quote) }
            place = end < text.count ? end + 1 : place + 1
        }
        return found
    }

    static func unquoted(in line: Line) -> [Range<Int>] {
        if let value = labelled(line) { return [value] }
        return bracketed(in: line) + expected(in: line)
    }

    /// Lines of a diff; a mere list has one sort of bullets.
    static func diff(_ lines: [Line]) -> [Range<Int>] {
        let starts = lines.map(withoutMargin)
        let (removed, added) = (starts.filter { $0.first == UInt8(ascii: "-") }, starts.filter { $0.first == UInt8(ascii: "+") })
        return removed.isEmpty || added.isEmpty ? [] : (removed + added).map(\.indices)
    }

    // MARK: Lines

    private static let sides: Set<Substring> = ["expected", "actual", "received", "got", "but", "want", "wanted", "have", "left", "right"]
    /// What follows a side in a label, or nothing does: `Received string`, `expected to contain`.
    private static let rests: Set<Substring> = [
        "value", "string", "substring", "message", "object", "array", "text", "result", "output", "pattern", "was", "got", "found", "were", "not",
        "to", "contain", "equal", "match", "start", "end", "with",
    ]

    /// What stands behind a label, unless the other side stands on the same line.
    private static func labelled(_ line: Line) -> Range<Int>? {
        let words = withoutMargin(line)
        guard let colon = words.prefix(32).firstIndex(of: UInt8(ascii: ":")) else { return nil }
        let label = String(decoding: words[..<colon], as: UTF8.self).split(separator: " ")
        guard let side = label.first, sides.contains(side), label.dropFirst().allSatisfy(rests.contains) else { return nil }
        return first(of: others, in: line[colon...]) == nil ? colon + 1..<line.endIndex : nil
    }

    private static let introductions = ["expected", "actual", "received", "was", "were", "found", "got", "want", "wanted"].map { Array($0.utf8) }

    /// Of a line; an assertion has two.
    private static let mostBrackets = 16

    private static func bracketed(in line: Line) -> [Range<Int>] {
        let pairs = [UInt8(ascii: "<"): UInt8(ascii: ">"), UInt8(ascii: "["): UInt8(ascii: "]")]
        var found: [Range<Int>] = []
        var place = line.startIndex
        while found.count < mostBrackets, let open = line[place...].firstIndex(where: { pairs[$0] != nil }) {
            place = open + 1
            var before = line[..<open]
            while let last = before.last, last == UInt8(ascii: " ") || last == UInt8(ascii: ":") { before.removeLast() }
            guard introductions.contains(where: { before.suffix($0.count).elementsEqual($0) }) else { continue }
            // A document may be compared, with such brackets in it.
            let end = first(of: others, in: line[open...])?.lowerBound ?? line.endIndex
            guard let close = line[open..<end].lastIndex(of: pairs[line[open]]!) else { break }
            found.append(open + 1..<close)
            place = close
        }
        return found
    }

    private static let marks = [" expected ", " expected: "].map { Array($0.utf8) }
    /// Where the side that was had begins.
    private static let others = [
        " but ", ", got", "; got", " got ", ", found", ", actual", ". actual", ", received", ", was ",
    ].map { Array($0.utf8) }
    private static let relations = [" to equal ", " to eql ", " to contain ", " to include ", " to match "].map { Array($0.utf8) }
    private static let wanted = [", want ", "; want ", ", wanted ", " want: "].map { Array($0.utf8) }

    /// What was expected, in a sentence.
    private static func expected(in line: Line) -> [Range<Int>] {
        var found: [Range<Int>] = []
        if let start = start(of: line) {
            if let other = first(of: others, in: line[start...]) {
                found.append(start..<other.lowerBound)
            } else if first(of: relations, in: line[start...]) != nil {
                found.append(start..<line.endIndex)
            }
        }
        if let start = first(of: wanted, in: line)?.upperBound { found.append(start..<line.endIndex) }
        return found
    }

    private static func start(of line: Line) -> Int? {
        let words = withoutMargin(line)
        let word = Array("expected".utf8)
        if words.starts(with: word), words.count > word.count, !isWordByte(words[words.startIndex + word.count]) {
            return words.startIndex + word.count
        }
        return first(of: marks, in: line)?.upperBound
    }

    // MARK: Bytes

    private static func first(of needles: [[UInt8]], in line: Line) -> Range<Int>? {
        needles.compactMap { line.firstRange(of: $0) }.min { $0.lowerBound < $1.lowerBound }
    }

    /// Without what it is indented by, and the `E` of pytest.
    private static func withoutMargin(_ line: Line) -> Line {
        let blanks: (UInt8) -> Bool = { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        let words = line.drop(while: blanks)
        return words.starts(with: Array("e  ".utf8)) ? words.dropFirst().drop(while: blanks) : words
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        (97...122).contains(byte) || (48...57).contains(byte) || byte == UInt8(ascii: "_") || byte >= 128
    }
}
