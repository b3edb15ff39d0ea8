import ValidationAPI

/// What a draft of a rule would make of the last failures.
struct RuleTrial: Sendable {
    /// Failures that are shown; the API gives all.
    static let shown = 20

    let stats: [StatFigure]
    let rows: [Row]
    let hasRows: Bool
    let more: String?
    /// What makes less of the figures than they seem.
    let warnings: [String]
    let note: String?

    struct Row: Sendable {
        let path: String
        let name: String
        let evidence: String?
        let now: String
        let then: String
        let changes: Bool
        let why: String?

        init(_ match: PBRuleTestMatch) {
            path = PageAddress.result(match.result)
            name = match.testName.shortened(to: 200)
            evidence = match.evidence.withoutTerminalColours.nonEmpty?.shortened(to: 300)
            now = JudgementText.category(match.categoryNow)
            then = JudgementText.category(match.categoryThen)
            changes = match.categoryNow != match.categoryThen
            let lost = "it is found by this rule no longer" + (match.ruleThen == LearnedFrom.rule ? ", and judged as people filed those like it" : "")
            why = match.evidence.isEmpty ? lost : match.decides ? nil : "a rule before it, or a person, decides"
        }
    }

    init(_ test: PBRuleTest) {
        stats = [
            StatFigure("Looked at", NumberText.counted(Int64(test.examined), "failure")),
            StatFigure("Found in", NumberText.grouped(Int64(test.matched))),
            StatFigure("Judged otherwise", NumberText.grouped(Int64(test.changed))),
            StatFigure("Out of budget", NumberText.grouped(Int64(test.overBudget))),
            StatFigure("Time of the pattern", DurationText.of(microseconds: test.patternUs)),
        ]
        rows = test.matches.prefix(Self.shown).map(Row.init)
        hasRows = !rows.isEmpty
        let left = test.matches.count - rows.count
        more = left > 0 ? "And \(NumberText.grouped(Int64(left))) more." : nil
        var warnings: [String] = []
        if !test.complete { warnings.append("The time was up before all of the last failures had been looked at.") }
        if test.overBudget > 0 {
            warnings.append(
                "The pattern ran out of its budget. A rule that does so on \(RuleText.mostOverruns) failures is switched off: make it simpler.")
        }
        if test.withoutTexts > 0 {
            warnings.append("\(NumberText.counted(Int64(test.withoutTexts), "failure")) could not be looked at: their texts were not kept then.")
        }
        self.warnings = warnings
        note =
            if test.examined == 0 {
                "No test has failed in this project yet, so there is nothing to try it on."
            } else if rows.isEmpty {
                "The pattern is found in none of them."
            } else {
                nil
            }
    }
}
