/// Rules in their order, and what finds all their texts at once: a text is read once, not once a rule.
struct RuleSet: Sendable {
    /// How the rules of an edition are asked.
    enum Reading: Sendable {
        /// Each rule about all texts but the output, then the next rule: a log line on the error output outdoes what the failure itself says.
        case ruleByRule
        /// All rules about what the failure says of itself, then all about its trace, its error output, its output. What an assertion compares
        /// (`Comparison`) is no sign of anything.
        case textByText
        /// The same, and a type that is nested in another (`Outer$Inner`) is known by its own name too.
        case textByTextWithNestedTypes
    }

    let rules: [Rule]
    private let reading: Reading
    private let scanner: TextScanner
    /// By rule and sign: numbers of its texts in the scanner.
    private let needles: [[[Int]]]

    init(_ rules: [Rule], reading: Reading) {
        self.rules = rules
        self.reading = reading
        var numbers: [TextScanner.Needle: Int] = [:]
        var all: [TextScanner.Needle] = []
        func number(_ needle: TextScanner.Needle) -> Int {
            if let known = numbers[needle] { return known }
            numbers[needle] = all.count
            all.append(needle)
            return all.count - 1
        }
        needles = rules.map { rule in
            rule.signs.map { sign in
                switch sign {
                case .text(let texts): texts.map { number(.init(text: $0, isWhole: false)) }
                case .word(let texts): texts.map { number(.init(text: $0, isWhole: true)) }
                case .type, .errorCode, .httpStatus, .outcome, .always: []
                }
            }
        }
        scanner = TextScanner(all)
    }

    /// Whether the rule is asked only because no other knows the failure.
    func isLastResort(_ rule: String) -> Bool { rules.contains { $0.isLastResort && $0.id == rule } }

    /// What most rules of a category say; of two that as many say the higher.
    func usualSeverity(of category: Category) -> Severity {
        let counts = Dictionary(grouping: rules.filter { $0.category == category }, by: \.severity).mapValues(\.count)
        return counts.max { ($0.value, $0.key) < ($1.value, $1.key) }?.key ?? .medium
    }

    /// The first rule that knows it; the last must know everything.
    func judge(_ symptoms: Symptoms) -> Judgement {
        let facts = FailureFacts(symptoms, knowsNestedTypes: reading == .textByTextWithNestedTypes)
        switch reading {
        case .ruleByRule:
            let texts = ScannedTexts([symptoms.message, symptoms.type, symptoms.trace, symptoms.standardError], by: scanner)
            return first(in: texts, facts)!
        case .textByText, .textByTextWithNestedTypes:
            let asserts = Comparison.isSaid(by: symptoms)
            func scanned(_ texts: String...) -> ScannedTexts { ScannedTexts(texts, by: scanner, withoutOperands: asserts) }
            let said = scanned(symptoms.message, symptoms.type, Causes.lines(of: symptoms.trace))
            if let judgement = first(in: said, facts, isLastResort: false) { return judgement }
            for text in [symptoms.trace, symptoms.standardError, symptoms.standardOutput] where !text.isEmpty {
                if let judgement = first(in: scanned(text), nil, isLastResort: false) { return judgement }
            }
            return first(in: said, facts, isLastResort: true)!
        }
    }

    /// - Parameters:
    ///   - facts: `nil` when only texts are asked about.
    ///   - isLastResort: which rules are asked; all when `nil`.
    private func first(in texts: ScannedTexts, _ facts: FailureFacts?, isLastResort: Bool? = nil) -> Judgement? {
        for (rule, needles) in zip(rules, needles) where isLastResort == nil || rule.isLastResort == isLastResort {
            for (sign, needles) in zip(rule.signs, needles) {
                guard let evidence = facts?.evidence(of: sign) ?? texts.evidence(of: needles) else { continue }
                return Judgement(category: rule.category, severity: rule.severity, rule: rule.id, evidence: evidence)
            }
        }
        return nil
    }
}
