import ValidationAPI

/// By which rule the machine put a pattern of logs into its category.
struct LogReason: Sendable {
    let category: String
    let severity: String
    let severityCSS: String
    let rule: String
    /// Where the rule is one of the project.
    let rulePath: String?
    /// What the rule looks for, where it is known.
    let ruleText: String?
    let edition: String
    /// Where the edition is one of the project's rules.
    let editionPath: String?
    let evidence: String?

    /// - Returns: `nil` where no rule was asked, or it is not known which.
    init?(_ pattern: PBLogPattern, of project: String, rules: [PBRule]) {
        let receipt = pattern.receipt
        guard let rule = receipt.rule.nonEmpty else { return nil }
        category = JudgementText.category(receipt.category)
        (severity, severityCSS) = JudgementText.severity(receipt.severity)
        self.rule = rule
        rulePath = RuleText.path(rule, in: project)
        ruleText = rules.first { $0.id == rule }?.description_p.nonEmpty
        edition =
            rulePath == nil
            ? "edition \(receipt.builtInEdition) of the rules that everybody has"
            : "edition \(NumberText.grouped(receipt.projectEdition)) of the project’s rules"
        editionPath = rulePath.map { _ in PageAddress.path("projects", project, "rules", "editions", "\(receipt.projectEdition)") }
        evidence = receipt.evidence.withoutTerminalColours.nonEmpty?.shortened(to: 500)
    }

    /// Why there is none.
    static func note(_ pattern: PBLogPattern) -> String {
        pattern.hasReceipt
            ? "Its lines say that nothing is wrong, so no rule was asked."
            : "By which rule was not kept when it was learnt. Judging the project’s failures again judges it with a receipt."
    }
}
