/// The conditions behind `?`: section 2.3.5 of RFC 9535, with its rules of which operand may stand where (2.4.3).
extension JSONPathParser {
    mutating func or() throws(CaseError) -> JSONPath.Filter {
        try enter()
        defer { depth -= 1 }
        var left = try and()
        while takeAfterBlanks("||") { left = .or(left, try and()) }
        return left
    }

    private mutating func and() throws(CaseError) -> JSONPath.Filter {
        var left = try condition()
        while takeAfterBlanks("&&") { left = .and(left, try condition()) }
        return left
    }

    private mutating func condition() throws(CaseError) -> JSONPath.Filter {
        skipBlanks()
        if take("!") {
            skipBlanks()
            return .not(peek("(") ? try parenthesized() : try existence())
        }
        return peek("(") ? try parenthesized() : try comparisonOrExistence()
    }

    private mutating func parenthesized() throws(CaseError) -> JSONPath.Filter {
        position += 1
        let filter = try or()
        skipBlanks()
        guard take(")") else { throw failure("a ) is missing") }
        return filter
    }

    private mutating func existence() throws(CaseError) -> JSONPath.Filter {
        guard peek("@") || peek("$") else { throw failure("only a path can be tested for existence") }
        return .exists(try query())
    }

    private mutating func comparisonOrExistence() throws(CaseError) -> JSONPath.Filter {
        let start = position
        let left = try operand()
        let mark = position
        skipBlanks()
        guard let comparison = takeComparison() else {
            position = mark
            guard case .query(let query) = left else { throw failure("a comparison is missing", at: start) }
            return .exists(query)
        }
        try requireSingular(left, at: start)
        skipBlanks()
        let second = position
        let right = try operand()
        try requireSingular(right, at: second)
        return .compare(left, comparison, right)
    }

    private mutating func takeComparison() -> JSONPath.Comparison? {
        for comparison in [JSONPath.Comparison.equal, .notEqual, .lessOrEqual, .greaterOrEqual, .less, .greater] where take(comparison.rawValue) {
            return comparison
        }
        return nil
    }

    private mutating func operand() throws(CaseError) -> JSONPath.Operand {
        switch current ?? 0 {
        case UInt8(ascii: "@"), UInt8(ascii: "$"): return .query(try query())
        case UInt8(ascii: "'"), UInt8(ascii: "\""): return .literal(.string(try string()))
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .literal(try number())
        default: break
        }
        let start = position
        while let byte = current, isLetter(byte) && byte >= UInt8(ascii: "a") || isDigit(byte) || byte == UInt8(ascii: "_") { position += 1 }
        switch String(decoding: bytes[start..<position], as: UTF8.self) {
        case "true": return .literal(.bool(true))
        case "false": return .literal(.bool(false))
        case "null": return .literal(.null)
        case "length":
            return try function { parser throws(CaseError) in
                let start = parser.position
                let operand = try parser.operand()
                try parser.requireSingular(operand, at: start)
                return .length(operand)
            }
        case "count": return try function { parser throws(CaseError) in .count(try parser.argumentQuery()) }
        case "value": return try function { parser throws(CaseError) in .value(try parser.argumentQuery()) }
        case let name:
            throw failure(name.isEmpty ? "a value or a path is missing" : "there is no function or word \(name) here", at: start)
        }
    }

    private mutating func function(_ argument: (inout JSONPathParser) throws(CaseError) -> JSONPath.Operand) throws(CaseError) -> JSONPath.Operand {
        guard take("(") else { throw failure("a ( is missing behind the function's name") }
        try enter()
        defer { depth -= 1 }
        skipBlanks()
        let operand = try argument(&self)
        skipBlanks()
        guard take(")") else { throw failure("a ) is missing behind the function's argument") }
        return operand
    }

    private mutating func argumentQuery() throws(CaseError) -> JSONPath.Query {
        guard peek("@") || peek("$") else { throw failure("this function takes a path") }
        return try query()
    }

    private mutating func query() throws(CaseError) -> JSONPath.Query {
        let isRelative = peek("@")
        position += 1
        return JSONPath.Query(isRelative: isRelative, segments: try segments())
    }

    /// Comparisons and `length` are about one value, so that what they mean does not depend on how many there are.
    private func requireSingular(_ operand: JSONPath.Operand, at start: Int) throws(CaseError) {
        guard case .query(let query) = operand, !query.isSingular else { return }
        throw failure("a path that is compared must select one value at most", at: start)
    }
}
