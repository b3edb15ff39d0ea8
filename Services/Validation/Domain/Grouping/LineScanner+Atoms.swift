extension LineScanner {
    /// The short way for what most of a line is: letters up to a space or to punctuation that cannot belong to them.
    mutating func word(_ line: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int {
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

    /// `prefetch depth.......0`
    func isLeader(_ line: UnsafeBufferPointer<UInt8>, _ place: Int) -> Bool {
        line[place] == .dot && place + 2 < line.count && line[place + 1] == .dot && line[place + 2] == .dot
    }

    /// The longest piece without space, quote or structure, with the colons of times, addresses and qualified names.
    mutating func atom(_ line: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int {
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
                if isLeader(line, end) { break loop }
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
        var trimmed = end
        while trimmed > start + 1, line[trimmed - 1].endsSentence || line[trimmed - 1] == .colon { trimmed -= 1 }
        add(start, trimmed, .value)
        // The full stop belongs to the sentence; a colon separates.
        return trimmed < end && line[trimmed] == .colon ? trimmed : end
    }

    mutating func addAtom(_ start: Int, _ end: Int, _ sort: Token.Sort) {
        // A rule of dashes is one dash.
        add(start, sort == .symbol ? start + 1 : end, sort)
    }
}
