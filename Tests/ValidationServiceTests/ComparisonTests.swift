import Testing

@testable import ValidationService

@Suite struct ComparisonTests {
    @Test("what an assertion compares is no sign of anything", arguments: ComparedMessages.operands) func operands(_ sample: TrueMessage) {
        check(sample)
    }

    @Test("what happened while something was expected is told all the same", arguments: ComparedMessages.events) func events(_ sample: TrueMessage) {
        check(sample)
    }

    private func check(_ sample: TrueMessage) {
        let symptoms = Symptoms(message: sample.message, type: sample.type, trace: sample.trace)
        let judgement = BuiltInRules.all.judge(symptoms)
        #expect(judgement.category == sample.category, "\(judgement)")
    }

    @Test("an error that compares nothing may quote what it likes; an assertion in an error is one")
    func errors() {
        let quoting = "the server said expected \"Access denied\""
        #expect(BuiltInRules.all.judge(Symptoms(message: quoting, outcome: .errored)).category == .authorization)
        #expect(BuiltInRules.all.judge(Symptoms(message: quoting, outcome: .failed)).category == .assertion)
        #expect(BuiltInRules.all.judge(Symptoms(message: quoting, type: "AssertionError", outcome: .errored)).category == .assertion)
    }

    @Test("operands are blanked where they stand, and nothing else is; the text keeps its length")
    func blanks() {
        func blanked(_ text: String) -> String {
            String(decoding: Comparison.blankingOperands(in: Array(text.utf8)).map { $0 == 0 ? UInt8(ascii: "_") : $0 }, as: UTF8.self)
        }
        #expect(blanked("Expected 'a' but I can't say 'b\\'c' \"d\"") == "Expected____ but I can't say '____' \"_\"")
        #expect(blanked("expected: <a> but was: <b c>") == "expected_____ but was: <___>")
        #expect(blanked("Expected: x\nReceived: y z\nError: kept") == "Expected:__\nReceived:____\nError: kept")
        #expect(blanked("got 1, want two") == "got 1, want ___")
        #expect(blanked("assert b'a' == 'b") == "assert b'_' == 'b")
        #expect(blanked("assert x\n- a\n+ b") == "assert x\n___\n___" && blanked("assert x\n- a\n- b") == "assert x\n- a\n- b")
        #expect(blanked("no such host \"a\"") == "no such host \"a\"")
        for text in ["'", "expected '", "expected \"\\", "expected <", "expected: [", "got: ", "assert `a", "expected 'ü' \"€\" <é>"] {
            #expect(Comparison.blankingOperands(in: Array(text.utf8)).count == text.utf8.count)
        }
    }

    @Test("the longest text takes no time, whatever it is made of")
    func linear() {
        let clock = ContinuousClock()
        for part in ["'", "expected <", "expected '", "a'b ", "was:[", "\"\\", "-\n+\n", "expected: x\n"] {
            let text = Array("assert ".utf8) + Array(String(repeating: part, count: Symptoms.maxBytes / part.utf8.count).utf8)
            let time = clock.measure { _ = Comparison.blankingOperands(in: text) }
            #expect(time < .seconds(3), "\(part): \(time)")
        }
    }
}
