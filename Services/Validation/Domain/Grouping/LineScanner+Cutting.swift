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
            case .letter: place = word(line, place)
            case .quote: place = quotation(line, place)
            case .structure: place = structure(line, place, apart)
            case .digit, .other:
                if byte == UInt8(ascii: "!"), let end = comparison(line, place) {
                    add(place, end, .symbol)
                    place = end
                } else {
                    place = atom(line, place)
                }
            }
            apart = false
        }
    }

    /// Does nothing when there are tokens enough.
    private mutating func add(_ start: Int, _ end: Int, _ sort: Token.Sort) {
        guard tokenCount < Self.maxTokens else { return }
        tokens[tokenCount] = Token(start: start, end: end, sort: sort)
        tokenCount += 1
    }

    /// The short way for what most of a line is: letters up to a space or to punctuation that cannot belong to them.
    private mutating func word(_ line: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int {
        var end = start + 1
        while end < line.count, sorts[Int(line[end])] == .letter { end += 1 }
        guard end - start <= AtomShape.maxWord, endsWord(line, end) else { return atom(line, start) }
        add(start, end, Lexicon.nothings.contains(line, start, end) ? .value : .word)
        return end
    }

    private func endsWord(_ line: UnsafeBufferPointer<UInt8>, _ end: Int) -> Bool {
        guard end < line.count else { return true }
        switch sorts[Int(line[end])] {
        case .space: return true
        case .structure: return line[end] != .colon || end + 1 == line.count || line[end + 1] == UInt8(ascii: " ")
        case .letter, .digit, .quote, .other: return false
        }
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

    /// What stands behind `key=`: a name with a bracketed rest belongs together (`ws=WorkSource{10113}`), a missing value is one too.
    private mutating func keyed(_ line: UnsafeBufferPointer<UInt8>, _ place: Int) -> Int {
        if line[place].lexical == .space {
            var next = place
            while next < line.count, line[next].lexical == .space { next += 1 }
            var end = next
            while end < line.count, line[end].lexical == .letter || line[end].lexical == .digit || line[end] == UInt8(ascii: "_") { end += 1 }
            if end > next, end < line.count, line[end] == .equals { add(place, place, .value) }
            return place
        }
        if line[place] == .doubleQuote, let close = closing(line, place) {
            add(place, close + 1, .value)
            return close + 1
        }
        guard line[place].lexical == .letter, tokenCount < Self.maxTokens else { return place }
        let end = atom(line, place)
        guard end < line.count, let closer = line[end].closer else { return end }
        var depth = 0
        for inside in end..<min(line.count, end + Self.maxQuotation) {
            if line[inside] == line[end] { depth += 1 }
            if line[inside] == closer { depth -= 1 }
            if depth == 0 {
                tokens[tokenCount - 1].sort = .value
                tokens[tokenCount - 1].end = inside + 1
                return inside + 1
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

    // MARK: Atoms

    /// The longest piece without space, quote or structure, with the colons of times, addresses and qualified names.
    private mutating func atom(_ line: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int {
        if line[start].isPath, let query = query(line, start) { return address(line, start, from: query) }
        var shape = AtomShape()
        var end = start
        loop: while end < line.count {
            // Runs of one sort, which is what there mostly is, without asking for all the others at each byte.
            if sorts[Int(line[end])] == .letter {
                end = shape.countLetters(line, end)
                continue
            }
            if line[end].isDigit {
                end = shape.countDigits(line, end)
                continue
            }
            let byte = line[end]
            switch sorts[Int(byte)] {
            case .letter, .digit: break
            case .space: break loop
            case .other:
                // Leaders: `prefetch depth.......0`.
                if byte == .dot, end > start, end + 2 < line.count, line[end + 1] == .dot, line[end + 2] == .dot { break loop }
                shape.countOther(byte, end)
            case .quote:
                guard byte == UInt8(ascii: "'"), end > start, end + 1 < line.count, line[end - 1].isLetter, line[end + 1].isLetter else { break loop }
            case .structure:
                if end == start { break }
                guard byte == .colon, end + 1 < line.count else { break loop }
                let next = line[end + 1]
                if next == .colon {
                    end += 1
                } else if next == UInt8(ascii: "/"), end + 2 < line.count, line[end + 2] == next, line[start].isLetter {
                    return address(line, start, from: end)
                } else if next == UInt8(ascii: "\\"), end == start + 1 {
                    end += 1
                    shape.countOther(next, end)
                } else if !(line[end - 1].isDigit && next.isDigit) && !isHexGroup(line, end, start) {
                    break loop
                }
                shape.countOther(byte, end)
            }
            end += 1
        }
        // Full stops, exclamation and question marks behind a word belong to the sentence.
        var trimmed = end
        while trimmed > start + 1, line[trimmed - 1].endsSentence { trimmed -= 1 }
        if trimmed < end { shape = AtomShape(line, start, trimmed) }
        addAtom(start, trimmed, shape.sort(line, start, trimmed))
        return end
    }

    /// A colon between two groups of at most four hexadecimal digits, one of them with a decimal digit: MAC and IPv6 addresses.
    private func isHexGroup(_ line: UnsafeBufferPointer<UInt8>, _ colon: Int, _ start: Int) -> Bool {
        var before = colon
        var hasDigit = false
        while before > start, line[before - 1].isHex {
            hasDigit = hasDigit || line[before - 1].isDigit
            before -= 1
        }
        guard before < colon, colon - before <= 4, before == start || line[before - 1] == .colon else { return false }
        var after = colon + 1
        while after < line.count, line[after].isHex {
            hasDigit = hasDigit || line[after].isDigit
            after += 1
        }
        guard after > colon + 1, after - colon <= 5 else { return false }
        return (hasDigit || before > start) && (after == line.count || !line[after].isLetterOrDigit)
    }

    /// Where the `?` of `/search?q=a&page=2` stands.
    private func query(_ line: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int? {
        var place = start + 1
        while place + 1 < line.count, line[place].lexical == .letter || line[place].lexical == .digit || line[place].lexical == .other {
            if line[place] == UInt8(ascii: "?"), line[place + 1].isLetterOrDigit { return place }
            place += 1
        }
        return nil
    }

    private mutating func address(_ line: UnsafeBufferPointer<UInt8>, _ start: Int, from place: Int) -> Int {
        var end = place
        while end < line.count, line[end].lexical != .space, line[end].lexical != .quote, line[end].closesBracket == false, line[end] != .comma {
            end += 1
        }
        while end > start + 1, line[end - 1].endsSentence || line[end - 1] == .colon { end -= 1 }
        add(start, end, .value)
        return end
    }

    private mutating func addAtom(_ start: Int, _ end: Int, _ sort: Token.Sort) {
        // A rule of dashes is one dash.
        add(start, sort == .symbol ? start + 1 : end, sort)
    }
}
