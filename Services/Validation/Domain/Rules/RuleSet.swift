/// Rules in their order, and what finds all their texts at once: a failure is read once, not once a rule.
struct RuleSet: Sendable {
    let rules: [Rule]
    private let scanner: TextScanner
    /// By rule and sign: numbers of its texts in the scanner.
    private let needles: [[[Int]]]

    init(_ rules: [Rule]) {
        self.rules = rules
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

    /// The first rule that knows it; the last must know everything.
    func judge(_ symptoms: Symptoms) -> Judgement {
        let scanned = ScannedSymptoms(symptoms, by: scanner)
        for (rule, needles) in zip(rules, needles) {
            for (sign, needles) in zip(rule.signs, needles) {
                guard let evidence = scanned.evidence(of: sign, needles: needles) else { continue }
                return Judgement(category: rule.category, severity: rule.severity, rule: rule.id, evidence: evidence)
            }
        }
        preconditionFailure("the last rule always matches")
    }
}
