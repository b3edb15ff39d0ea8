extension LineScanner {
    mutating func cut(_ line: UnsafeBufferPointer<UInt8>) {
        var place = 0
        var apart = true
        while place < line.count, tokenCount < Self.maxTokens {
            let byte = line[place]
            switch sorts[Int(byte)] {
            case .space:
                place += 1
                apart = true
                continue
            case .letter:
                let end = word(line, place)
                place = end < line.count && line[end] == UInt8(ascii: "{") ? printed(line, place, end) : end
            case .quote: place = quotation(line, place)
            case .structure: place = structure(line, place, apart)
            case .digit, .other:
                if byte == UInt8(ascii: "!"), let end = comparison(line, place) {
                    add(place, end, .symbol)
                    place = end
                } else if isLeader(line, place) {
                    add(place, place + 1, .symbol)
                    while place < line.count, line[place] == .dot { place += 1 }
                } else {
                    place = atom(line, place)
                }
            }
            apart = false
        }
    }

    /// Does nothing when there are tokens enough.
    mutating func add(_ start: Int, _ end: Int, _ sort: Token.Sort) {
        guard tokenCount < Self.maxTokens else { return }
        tokens[tokenCount] = Token(start: start, end: end, sort: sort)
        tokenCount += 1
    }

    // MARK: Structure

    private mutating func structure(_ line: UnsafeBufferPointer<UInt8>, _ place: Int, _ apart: Bool) -> Int {
        let byte = line[place]
        // `<1 sec` is a number.
        if byte == UInt8(ascii: "<") || byte == UInt8(ascii: ">"), apart, isComparedNumber(line, place + 1) { return atom(line, place) }
        let end = comparison(line, place) ?? place + 1
        add(place, end, .symbol)
        guard byte == .equals, end == place + 1, end < line.count else { return end }
        return keyed(line, end)
    }

    /// A number that no closing bracket follows: not the one in `expected: <1>`.
    private func isComparedNumber(_ line: UnsafeBufferPointer<UInt8>, _ start: Int) -> Bool {
        var place = start
        while place < line.count, line[place].isDigit || line[place] == .dot { place += 1 }
        return place > start && (place == line.count || line[place] != UInt8(ascii: ">"))
    }

    /// The end of `==`, `!=`, `===`, `<=`, `>=` or `=>`, which are no assignments.
    private func comparison(_ line: UnsafeBufferPointer<UInt8>, _ place: Int) -> Int? {
        guard place + 1 < line.count else { return nil }
        let (first, second) = (line[place], line[place + 1])
        let compares = UInt8(ascii: "!") == first || UInt8(ascii: "<") == first || UInt8(ascii: ">") == first || .equals == first
        guard compares, second == .equals || (first == .equals && second == UInt8(ascii: ">")) else { return nil }
        var end = place + 2
        while end < line.count, line[end] == .equals { end += 1 }
        return end
    }

    /// What stands behind `key=`: a name with a bracketed rest belongs together (`bounds = Rect(0, 0, 9, 9)`), a missing value is one too.
    private mutating func keyed(_ line: UnsafeBufferPointer<UInt8>, _ place: Int) -> Int {
        var next = place
        while next < line.count, sorts[Int(line[next])] == .space { next += 1 }
        guard next < line.count, tokenCount < Self.maxTokens else { return place }
        if line[next] == .doubleQuote, next == place, let close = closing(line, place) {
            add(place, close + 1, .value)
            return close + 1
        }
        guard line[next].isLetter else { return place }
        if next > place {
            var end = next
            while end < line.count, line[end].isLetterOrDigit || line[end] == UInt8(ascii: "_") { end += 1 }
            if end < line.count, line[end] == .equals {
                add(place, place, .value)
                return place
            }
        }
        let end = atom(line, next)
        guard end < line.count, line[end].closer != nil else { return end }
        return printed(line, next, end)
    }

    /// `Token{a64f992 u0}` is an object that was printed: its name and what is in its brackets are one value.
    /// - Returns: where it ends, or `end` when the bracket there does not close soon.
    private mutating func printed(_ line: UnsafeBufferPointer<UInt8>, _ start: Int, _ end: Int) -> Int {
        guard tokenCount > 0, tokens[tokenCount - 1].start == start, let closer = line[end].closer else { return end }
        var depth = 0
        for place in end..<min(line.count, end + Self.maxQuotation) {
            if line[place] == line[end] { depth += 1 }
            if line[place] == closer { depth -= 1 }
            if depth == 0 {
                tokens[tokenCount - 1].sort = .value
                tokens[tokenCount - 1].end = place + 1
                return place + 1
            }
        }
        return end
    }

    // MARK: Quotations

    /// What an assertion quotes is what was expected or found, a value. Elsewhere a quoted sentence is read word by word, and of a quoted word only
    /// the company it keeps tells whether it varies (`Skeleton`, `TemplateMiner`).
    private mutating func quotation(_ line: UnsafeBufferPointer<UInt8>, _ place: Int) -> Int {
        guard let close = closing(line, place) else {
            add(place, place + 1, .symbol)
            return place + 1
        }
        let inside = place + 1..<close
        let isAsserted = asserts(line)
        if !isAsserted, inside.contains(where: { line[$0].lexical == .space }) {
            add(place, place + 1, .symbol)
            return place + 1
        }
        add(place, place + 1, .symbol)
        if inside.isEmpty || isAsserted || inside.contains(where: { line[$0].lexical == .structure && line[$0] != .colon }) {
            add(inside.lowerBound, inside.upperBound, .value)
        } else {
            let shape = AtomShape(line, inside.lowerBound, inside.upperBound)
            addAtom(inside.lowerBound, inside.upperBound, shape.sort(line, inside.lowerBound, inside.upperBound))
        }
        add(close, close + 1, .symbol)
        return close + 1
    }

    /// Whether a word like "expected" or "AssertionError" has been read.
    private func asserts(_ line: UnsafeBufferPointer<UInt8>) -> Bool {
        (0..<min(tokenCount, Self.maxAssertion)).contains { index in
            let token = tokens[index]
            return token.sort == .word && token.end - token.start >= 6 && Self.assertions.contains { Self.begins(line, token.start, with: $0) }
        }
    }

    private static let maxAssertion = 16
    private static let assertions = [Array("expect".utf8), Array("assert".utf8)]

    private static func begins(_ line: UnsafeBufferPointer<UInt8>, _ start: Int, with word: [UInt8]) -> Bool {
        word.indices.allSatisfy { line[start + $0] | 0x20 == word[$0] }
    }

    private func closing(_ line: UnsafeBufferPointer<UInt8>, _ place: Int) -> Int? {
        let quote = line[place]
        let limit = min(line.count, place + Self.maxQuotation)
        if quote == UInt8(ascii: "'"), place > 0, line[place - 1].isLetterOrDigit { return nil }
        var next = place + 1
        while next < limit {
            if line[next] == quote, next + 1 == line.count || !line[next + 1].isLetterOrDigit { return next }
            next += 1
        }
        return nil
    }
}
