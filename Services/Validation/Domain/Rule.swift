/// One deterministic rule: where it looks, and for what. The first that matches decides.
struct Rule: Sendable {
    enum Sign: Sendable {
        /// One of these texts, in any case (ASCII), in the message, the type, the trace or the error output, looked at in this order.
        case text([String])
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
    /// Any of them suffices.
    let signs: [Sign]

    init(_ id: String, _ category: Category, _ severity: Severity, _ description: String, _ signs: Sign...) {
        self.id = id
        self.category = category
        self.severity = severity
        self.description = description
        self.signs = signs.map(\.folded)
    }

    /// - Returns: the words that the rule saw, `nil` when it does not match.
    func evidence(in folded: FoldedSymptoms) -> String? {
        for sign in signs {
            if let evidence = folded.evidence(of: sign) { return evidence }
        }
        return nil
    }
}

extension Rule.Sign {
    /// Searched texts are folded to lower case once, so the needles must be too.
    fileprivate var folded: Self {
        switch self {
        case .text(let needles): .text(needles.map { $0.lowercased() })
        case .type(let names): .type(names.map { $0.lowercased() })
        case .errorCode, .httpStatus, .outcome, .always: self
        }
    }
}

extension [Rule] {
    func judge(_ symptoms: Symptoms) -> Judgement {
        let folded = FoldedSymptoms(symptoms)
        for rule in self {
            if let evidence = rule.evidence(in: folded) {
                return Judgement(category: rule.category, severity: rule.severity, rule: rule.id, evidence: evidence)
            }
        }
        preconditionFailure("the last rule always matches")
    }
}
