import Primitives

/// All rules that a project's failures are judged by: its own in one edition, then those that everybody has in one edition. A value: the same book makes of
/// the same symptoms the same judgement.
struct Rulebook: Sendable {
    /// Which rules were asked.
    struct Edition: Sendable, Equatable {
        let builtIn: Int32
        /// 0 for none: the project has no rules, or their time was up.
        let project: Int64
        /// Of the lessons that it was compared with, and the way in which it was (`LearnedStep.edition`); 0 when a rule knew it.
        var lessons: Int64 = 0
        var learned: Int32 = 0
    }

    let edition: Edition
    /// Whether the learned step is on.
    var isLearning = true
    /// Edition of the lessons that what no rule knows is compared with; 0 for none.
    var lessons: Int64 = 0
    /// In the order in which they are asked; those that are switched off are not in it.
    let own: [ProjectRule]
    let builtIn: RuleSet

    init(edition: Edition, own: [ProjectRule], isLearning: Bool = true, builtIn: RuleSet) {
        self.edition = edition
        self.isLearning = isLearning
        self.own = own.filter(\.draft.isEnabled).sorted { $0.before($1) }
        self.builtIn = builtIn
    }

    /// What everybody has.
    static let standard = everybody(in: BuiltInRules.edition)!

    /// What everybody had in an edition.
    /// - Returns: `nil` for one that this release does not know.
    static func everybody(in edition: Int32) -> Rulebook? {
        BuiltInRules.rules(of: edition).map { Rulebook(edition: Edition(builtIn: edition, project: 0), own: [], builtIn: $0) }
    }

    /// A project without rules, or whose rules had their time.
    var withoutOwn: Rulebook { Rulebook(edition: Edition(builtIn: edition.builtIn, project: 0), own: [], builtIn: builtIn) }

    /// Whether no rule knows the failure, and what people filed is to be asked.
    func isUndecided(_ judgement: Judgement) -> Bool { builtIn.isLastResort(judgement.rule) }

    /// What one rule cost.
    struct Cost: Sendable {
        let rule: ID<ProjectRule>
        let elapsed: Duration
        let isOverBudget: Bool
    }

    /// The first rule that knows it decides. One that runs out of its budget does not know it: the next is asked.
    func judge(_ symptoms: Symptoms) -> (judgement: Judgement, costs: [Cost]) {
        var costs: [Cost] = []
        if !own.isEmpty {
            let texts = SymptomTexts(symptoms)
            for rule in own {
                let search = rule.search(texts)
                costs.append(Cost(rule: rule.id, elapsed: search.cost, isOverBudget: search.isOverBudget))
                if let evidence = search.evidence {
                    let judgement = Judgement(
                        category: rule.draft.category, severity: rule.draft.severity, rule: rule.id.description, evidence: evidence)
                    return (judgement, costs)
                }
            }
        }
        return (builtIn.judge(symptoms), costs)
    }
}
