import AnalyticsAPI

/// Whether a test can be relied on, in words.
struct StabilityText: Sendable {
    /// Of the reasons that a row shows; the test's own page shows all.
    static let mostReasons = 3

    let badge: Badge
    /// `98 % sure`, or `as a person says; judged Stable, 98 % sure`
    let confidence: String
    /// How likely its next failure falls by chance: `3 %`.
    let chance: String

    init(_ stability: PBStability) {
        badge = Badge(stability.kind)
        // A model is never quite sure, whatever its last digits say.
        let sure = (stability.confidence > 0.9995 ? "over 99.9 %" : NumberText.percent(stability.confidence)) + " sure"
        let judged = stability.judgedKind
        confidence = judged == .unspecified ? sure : "as a person says; judged \(Badge(judged).label), \(sure)"
        chance = NumberText.percent(stability.flakyChance)
    }
}

extension Badge {
    init(_ kind: PBStability.Kind) {
        switch kind {
        case .stable: self = Badge(css: "passed", glyph: "✓", label: "Stable")
        case .flaky: self = Badge(css: "errored", glyph: "~", label: "Flaky")
        case .broken: self = Badge(css: "failed", glyph: "✕", label: "Broken")
        case .regressed: self = Badge(css: "failed", glyph: "↓", label: "Regressed")
        case .environment: self = Badge(css: "pending", glyph: "▢", label: "Environment")
        case .unknown, .unspecified, .UNRECOGNIZED: self = Badge(css: "skipped", glyph: "?", label: "Not known yet")
        }
    }
}
