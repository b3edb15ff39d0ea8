import Patterns
import Testing

@Suite struct PatternTests {
    @Test(
        "the leftmost match is found",
        arguments: [
            ("refused", "connection refused by db", 11..<18), (#"order \d+"#, "no order 42, order 43", 3..<11),
            ("(?i)TIMED? out", "it timed OUT", 3..<12),
            ("^b", "a\nb", nil), ("(?m)^b", "a\nb", 2..<3), ("a.b", "a\nb", nil), ("(?s)a.b", "a\nb", 0..<3), ("", "", 0..<0), ("ü+", "xüü", 1..<5),
            (#"(?<=code )\b\d{3}\b"#, "code 503.", 5..<8), (#"(a)(b)(c)\3"#, "abcc", 0..<4),
        ] as [(String, String, Range<Int>?)])
    func matches(pattern: String, subject: String, range: Range<Int>?) throws {
        let outcome = try Pattern(pattern).search(Array(subject.utf8)).outcome
        #expect(outcome == range.map { .found($0) } ?? .absent)
    }

    @Test("bytes that are no UTF-8 match nothing and do no harm")
    func invalidUTF8() throws {
        let bytes: [UInt8] = [0xFF, 0xC3, 0x28, 0x00, 0xF0, 0x9F] + Array("refused".utf8) + [0xED, 0xA0, 0x80]
        #expect(try Pattern("refused").search(bytes).outcome == .found(6..<13))
        #expect(try Pattern(#"\xFF"#).search(bytes).outcome == .absent)
    }

    @Test(
        "what is no pattern is refused with PCRE2's words and the place",
        arguments: [
            ("a(b", 3), ("[z-a]", 4), ("*a", 0), (#"\C"#, 2), ("(?<n>a)(?<n>b)", 11),
            (String(repeating: "(", count: 60) + String(repeating: ")", count: 60), 51),
        ])
    func malformed(text: String, offset: Int) {
        #expect {
            try Pattern(text)
        } throws: { error in
            guard case .malformed(let words, let place) = error as? PatternRefusal else { return false }
            return !words.isEmpty && abs(place - offset) <= 1
        }
    }

    @Test("a pattern is at most 1 KiB, and at most 10,000 states when compiled")
    func bounded() throws {
        _ = try Pattern(String(repeating: "a", count: Pattern.maxBytes))
        #expect(throws: PatternRefusal.tooLong) { try Pattern(String(repeating: "a", count: Pattern.maxBytes + 1)) }
        #expect(throws: PatternRefusal.tooLong) { try Pattern(String(repeating: "ü", count: 513)) }
        _ = try Pattern("x{1000}")
        _ = try Pattern("(?:(?:ab|cd){20}){10}")
        #expect(throws: PatternRefusal.tooLarge) { try Pattern("(?:(?:ab|cd){20}){40}") }
        // PCRE2 itself gives up on these.
        #expect(throws: PatternRefusal.tooLarge) { try Pattern("(?:(?:abcd|efgh){50}){30}") }
        #expect(throws: PatternRefusal.tooLarge) { try Pattern("(((a{1000}){1000}){1000})") }
    }

    /// OWASP's, Weideman's and Davis' examples, and what makes PCRE2 slow in particular.
    static let evil = [
        "(a+)+$", "([a-zA-Z]+)*$", "(a|aa)+$", "(a|a?)+$", "(.*a){12}$", "^(([a-z])+.)+[A-Z]([a-z])+$", "(x+x+)+y", "a*a*a*a*a*a*b", ".*.*.*=.*",
        "(?:a?){25}a{25}x", #"\s+$"#, #"(\w+\s?)*$!"#, #"(?=(a+))\1+b"#, "(?s).*.*.*foo", "(a*)*b", "((a)|b)*c", "^(?:.*,){11}P", "(?R)?a+b",
        "(?:(?:a+)b?)*c",
        #"^([a-zA-Z0-9_.-])+@(([a-zA-Z0-9-])+.)+([a-zA-Z0-9]{2,4})+$"#, #"(([\s\S])*)*$x"#, #"(?:\w*\w*\w*)*!"#, "(a(?1)?a)*b",
        #"(?:(?:.*)*)*\z(?<=q)"#,
        "(?=.*a.*a.*a.*a.*a.*b)", "((.)(?!.*z.*y))*w", #"(a?){99}(a){99}\1$b"#, "(?>a+|b)*+.*(?<!a)(?<!.b).$c", "[^x]*[^y]*[^z]*w", "(?i)(ß|ss|ẞ)*x",
    ]

    private static let subjects: [[UInt8]] = [8 << 10, Pattern.maxSubjectBytes].flatMap { count in
        ["a", " ", "Lorem ipsum dolor sit amet, =,\n"].map { words in
            let words = Array(words.utf8)
            return (1..<count).map { words[$0 % words.count] } + [UInt8(ascii: "!")]
        }
    }

    @Test("the known evil end within 100 ms, on 8 KiB and on 1 MiB", arguments: evil)
    func evilPatterns(text: String) throws {
        let pattern = try Pattern(text)
        for subject in Self.subjects {
            let search = pattern.search(subject)
            #expect(search.elapsed < .milliseconds(100), "\(text) on \(subject.count) bytes took \(search.elapsed)")
        }
    }

    @Test("what runs out says so by name, and at the same step every time")
    func repeatable() throws {
        let subject = [UInt8](repeating: 97, count: 8 << 10)
        let pattern = try Pattern("(?s).*.*.*foo")
        let first = pattern.search(subject)
        let second = pattern.search(subject)
        #expect(first.outcome == .overBudget && second.outcome == .overBudget && first.steps == second.steps)
        #expect(PatternSearch.overBudgetCode == "regex_budget")
        #expect(pattern.search([UInt8](repeating: 97, count: Pattern.maxSubjectBytes + 1)).outcome == .overBudget)
    }
}
