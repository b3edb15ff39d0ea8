/// One deterministic rule: where it looks, and for what. The first that matches decides (`RuleSet`).
struct Rule: Sendable {
    enum Sign: Sendable {
        /// One of these texts, in any case (ASCII), in one of the failure's texts.
        case text([String])
        /// The same, but not as a part of a longer word or number: `EPIPE` is not in "CreatePipeline", nor 137 in 1370.
        case word([String])
        /// The failure's type ends with one of these: `java.net.ConnectException` and `ConnectException` are the same.
        case type([String])
        /// An HTTP case that ended with one of these codes.
        case errorCode([String])
        /// An HTTP case whose answer had such a status.
        case httpStatus(ClosedRange<Int32>)
        case outcome(Outcome)
        case always
    }

    let id: String
    let category: Category
    let severity: Severity
    let description: String
    /// Asked when no other rule knows any of the failure's texts.
    var isLastResort: Bool
    /// Any of them suffices.
    private(set) var signs: [Sign]

    init(
        _ id: String, _ category: Category, _ severity: Severity, _ description: String, isLastResort: Bool = false, _ signs: Sign...
    ) {
        self.id = id
        self.category = category
        self.severity = severity
        self.description = description
        self.isLastResort = isLastResort
        self.signs = signs.map(\.folded)
    }

    func extended(by more: [Sign]) -> Rule {
        var rule = self
        rule.signs += more.map(\.folded)
        return rule
    }

    /// - Parameter words: texts and types as the rule has them, in any case.
    func forgetting(_ words: [String]) -> Rule {
        var rule = self
        let gone = Set(words.map { $0.lowercased() })
        rule.signs = signs.map { sign in
            switch sign {
            case .text(let texts): .text(texts.filter { !gone.contains($0) })
            case .word(let texts): .word(texts.filter { !gone.contains($0) })
            case .type(let names): .type(names.filter { !gone.contains($0) })
            case .errorCode, .httpStatus, .outcome, .always: sign
            }
        }
        return rule
    }
}

extension Rule.Sign {
    /// Texts are searched as if in lower case, so what is searched must be.
    fileprivate var folded: Self {
        switch self {
        case .text(let needles): .text(needles.map { $0.lowercased() })
        case .word(let needles): .word(needles.map { $0.lowercased() })
        case .type(let names): .type(names.map { $0.lowercased() })
        case .errorCode, .httpStatus, .outcome, .always: self
        }
    }
}
