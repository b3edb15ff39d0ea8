import Primitives

/// A failure that was judged before, with what rules saw of it then.
struct JudgedFailure: Sendable {
    let result: ID<Result>
    let className: String
    let testName: String
    /// As it is shown now.
    let category: Category
    /// The rule that decided, or would decide without a person.
    let rule: String
    let isOverruled: Bool
    /// `nil` for what was judged before texts were kept.
    let symptoms: Symptoms?
}

/// What a draft of a rule makes of failures that are there already, so that one sees it before it decides anything.
struct RuleTest: Sendable {
    /// The last so many are looked at.
    static let failures = 1000
    /// Processor time of patterns, all together.
    static let time = Duration.seconds(2)

    struct Match: Sendable {
        let result: ID<Result>
        let testName: String
        let evidence: String
        let now: Category
        let then: Category
        /// What decides then; empty where that is a person.
        let rule: String
        let decides: Bool
    }

    private(set) var examined = 0
    private(set) var matched = 0
    private(set) var changed = 0
    private(set) var overBudget = 0
    private(set) var withoutTexts = 0
    private(set) var isComplete = true
    private(set) var patternTime = Duration.zero
    private(set) var matches: [Match] = []

    /// - Parameters:
    ///   - replaced: the rule that the draft would take the place of.
    ///   - step: what people have filed; `nil` when nothing has been learnt.
    ///   - failures: newest first.
    init(
        _ draft: ProjectRule.Draft, replacing replaced: ProjectRule?, in book: Rulebook, then step: LearnedStep? = nil, on failures: [JudgedFailure]
    ) {
        var signer = FailureSigner()
        let rule = ProjectRule(id: replaced?.id ?? .new(), draft: draft, edition: 0)
        let then = Rulebook(edition: book.edition, own: book.own.filter { $0.id != rule.id } + [rule], builtIn: book.builtIn)
        var spent = Duration.zero
        for failure in failures {
            guard spent < Self.time else {
                isComplete = false
                return
            }
            examined += 1
            guard let symptoms = failure.symptoms else {
                withoutTexts += 1
                continue
            }
            let search = rule.search(SymptomTexts(symptoms))
            patternTime += search.cost
            spent += search.cost
            if search.isOverBudget { overBudget += 1 }
            if search.evidence != nil { matched += 1 }
            let wasIts = failure.rule == rule.id.description
            if failure.isOverruled {
                // A person's word stays whatever rules say.
                if let evidence = search.evidence { add(failure, evidence: evidence, then: failure.category, rule: "", decides: false) }
            } else if search.evidence != nil || wasIts {
                var (judgement, costs) = then.judge(symptoms)
                if let step, then.isUndecided(judgement) {
                    let signature = symptoms.signature(by: &signer, className: failure.className, test: failure.testName)
                    judgement = step.judge(signature, of: failure.result) ?? judgement
                }
                for cost in costs { spent += cost.elapsed }
                let decides = judgement.rule == rule.id.description
                // What neither was nor becomes this rule's is not changed by it, even if other rules have changed since it was judged.
                let (category, decider) = decides || wasIts ? (judgement.category, judgement.rule) : (failure.category, failure.rule)
                add(failure, evidence: search.evidence ?? "", then: category, rule: decider, decides: decides)
            }
        }
    }

    private mutating func add(_ failure: JudgedFailure, evidence: String, then: Category, rule: String, decides: Bool) {
        if then != failure.category { changed += 1 }
        matches.append(
            Match(
                result: failure.result, testName: failure.testName, evidence: evidence, now: failure.category, then: then, rule: rule,
                decides: decides))
    }
}
