import ValidationAPI

/// Words for why something failed and how much it matters.
enum JudgementText {
    static func category(_ category: PBCategory.Value) -> String {
        switch category {
        case .assertion: "Assertion"
        case .timeout: "Timeout"
        case .network: "Network"
        case .crash: "Crash"
        case .outOfMemory: "Out of memory"
        case .truncatedReport: "Report cut off"
        case .tls: "TLS"
        case .dns: "DNS"
        case .authentication: "Authentication"
        case .authorization: "Authorization"
        case .data: "Data"
        case .concurrency: "Concurrency"
        case .serverError: "Server error"
        case .environment: "Environment"
        case .setup: "Set-up"
        case .resource: "Resource"
        case .unknown, .categoryUnspecified, .UNRECOGNIZED: "Not recognised"
        }
    }

    static func severity(_ severity: PBSeverity.Value) -> (label: String, css: String) {
        switch severity {
        case .low: ("low", "low")
        case .medium: ("medium", "medium")
        case .high: ("high", "high")
        case .critical: ("critical", "critical")
        case .severityUnspecified, .UNRECOGNIZED: ("unrated", "low")
        }
    }
}

/// How one result was filed.
struct Judgement: Sendable {
    let category: String
    let severity: String
    let severityCSS: String
    let rule: String
    /// Where the rule is one of the project.
    let rulePath: String?
    /// What the rule looks for, where it is known.
    let ruleText: String?
    let evidence: String?
    /// Where no rule decided.
    let learned: LearnedFrom?

    /// - Parameter receipt: of what was learned.
    init(_ failure: PBFailure, rules: [PBRule], receipt: PBReceipt? = nil) {
        learned = LearnedFrom(receipt)
        category = JudgementText.category(failure.category)
        (severity, severityCSS) = JudgementText.severity(failure.severity)
        rule = failure.rule
        rulePath = RuleText.path(failure)
        ruleText = rules.first { $0.id == failure.rule }?.description_p.nonEmpty
        evidence = failure.evidence.withoutTerminalColours.nonEmpty
    }
}
