import AnalyticsAPI
import Foundation
import ProjectsAPI

/// What the page of a comparison shows.
struct SetCompareView: Sendable {
    let head: ProjectHead
    let path: String
    let form: Form
    let note: String?
    let stats: [StatFigure]
    let hasStats: Bool
    let period: String?
    let chips: [Choice]
    let rows: [Row]
    let hasRows: Bool
    let pager: Pager?
    /// Absent where there is nothing to have.
    let exports: ExportLinks?

    struct Form: Sendable {
        let branch: String
        let environment: String
        let baseBranch: String
        let baseEnvironment: String
        let kindFilter: String
        let branches: [String]
        let environments: [String]
        let weeks: [Option]
        let agos: [Option]
    }

    struct Option: Sendable {
        let value: String
        let label: String
        let isChosen: Bool
    }

    /// - Parameter comparison: `nil` until both sides are chosen.
    init(
        project: PBProject, filter: SetComparePage.Filter, branches: [String], environments: [String], comparison: Panel<PBCompareSetsResponse>?,
        pager: Pager?
    ) {
        head = ProjectHead(project, tab: .trends)
        let path = PageAddress.path("projects", project.slug, "compare")
        self.path = path
        form = Form(
            branch: filter.branch, environment: filter.environment, baseBranch: filter.baseBranch, baseEnvironment: filter.baseEnvironment,
            kindFilter: filter.kind, branches: branches, environments: environments,
            weeks: SetComparePage.Filter.weekChoices.map {
                Option(value: "\($0)", label: NumberText.counted(Int64($0), "week"), isChosen: $0 == filter.weeks)
            },
            agos: SetComparePage.Filter.agoChoices.map {
                Option(
                    value: "\($0)", label: $0 == 0 ? "of the same weeks" : "\(NumberText.counted(Int64($0), "week")) earlier",
                    isChosen: $0 == filter.ago)
            })
        let content = comparison?.content
        chips =
            content.map { answer in
                SetComparePage.kinds.map { word, label, _, count in
                    Choice(
                        label: label, path: PageAddress.of(path, filter.with(kind: word)), isChosen: word == filter.kind,
                        count: count(answer.summary).map(NumberText.grouped))
                }
            } ?? []
        stats = content.map { Self.stats($0.summary) } ?? []
        hasStats = !stats.isEmpty
        period = content.map { answer in
            let summary = answer.summary
            let own = "Weeks from \(summary.firstWeek) to \(summary.lastWeek)"
            return summary.baseLastWeek == summary.lastWeek ? own : "\(own), against \(summary.baseFirstWeek) to \(summary.baseLastWeek)"
        }
        rows = content?.data.map(Row.init) ?? []
        hasRows = !rows.isEmpty
        note =
            comparison?.note
            ?? (comparison == nil ? "Choose a branch or an environment on each side." : rows.isEmpty ? "No test is like this." : nil)
        self.pager = pager
        exports = rows.isEmpty ? nil : ExportLinks(PageAddress.path("projects", project.slug, "comparison"), filter.query)
    }

    private static func stats(_ summary: PBSetComparisonSummary) -> [StatFigure] {
        var stats = [StatFigure("Tests in both", NumberText.grouped(summary.paired))]
        if summary.hasFailure {
            let effect = summary.failure
            stats.append(
                StatFigure(
                    "Failure rate, mean of tests", EffectText.points(effect.effect),
                    unit: "95 %: \(EffectText.points(effect.low)) to \(EffectText.points(effect.high))"))
        }
        if summary.hasDuration {
            let effect = summary.duration
            stats.append(
                StatFigure(
                    "Duration, mean of tests", EffectText.factor(effect.effect),
                    unit: "95 %: \(EffectText.factor(effect.low)) to \(EffectText.factor(effect.high))"))
        }
        return stats
    }

    struct Row: Sendable {
        let badges: [Badge]
        let path: String
        let name: String
        let place: String?
        let before: Side?
        let after: Side?
        let effects: [String]

        init(_ difference: PBSetDifference) {
            badges = difference.kinds.map(Badge.init)
            path = PageAddress.test(difference.test)
            name = (difference.name.nonEmpty ?? difference.test).shortened(to: 300)
            place = TestPlace.of(suite: difference.suiteName, className: difference.className)
            before = difference.hasBase ? Side(difference.base) : nil
            after = difference.hasSet ? Side(difference.set) : nil
            var effects: [String] = []
            if difference.hasFailure, difference.failure.hasChance {
                effects.append("Fails " + EffectText.interval(difference.failure, EffectText.points))
            }
            if difference.hasDuration { effects.append("Takes " + EffectText.interval(difference.duration, EffectText.factor)) }
            self.effects = effects
        }
    }

    struct Side: Sendable {
        let failures: String
        let duration: String?

        init(_ results: PBSetResults) {
            let judged = results.passed + results.failed
            failures =
                judged == 0
                ? NumberText.counted(results.skipped, "skipped", "skipped")
                : "\(NumberText.grouped(results.failed)) of \(NumberText.grouped(judged)) failed"
            duration = results.hasTypicalDurationUs ? DurationText.of(microseconds: results.typicalDurationUs) : nil
        }
    }
}

/// Differences as people read them.
enum EffectText {
    /// `+12.5 points`: of a rate, in hundredths.
    static func points(_ difference: Double) -> String {
        let tenths = (difference * 1000).rounded() / 10
        return (tenths > 0 ? "+" : tenths < 0 ? "−" : "±") + digits(abs(tenths)) + " points"
    }

    /// `1.52 ×`
    static func factor(_ factor: Double) -> String { digits((factor * 100).rounded() / 100) + " ×" }

    /// `+12.5 points (95 %: +3 points to +24 points); 2 % of such differences are chance`
    static func interval(_ effect: PBSetEffect, _ text: (Double) -> String) -> String {
        let share = effect.falseShare < 0.001 ? "less than 0.1 %" : NumberText.percent(min(1, effect.falseShare))
        let known = effect.hasFalseShare ? "; of what is as sure \(share) is chance" : ""
        return "\(text(effect.effect)) (95 %: \(text(effect.low)) to \(text(effect.high)))\(known)"
    }

    private static func digits(_ number: Double) -> String {
        number == number.rounded() && number < 1e12 ? String(Int64(number)) : String(number)
    }
}

extension Badge {
    init(_ kind: PBSetDifference.Kind) {
        switch kind {
        case .failsMore: self = Badge(css: "failed", glyph: "✕", label: "Fails more")
        case .failsLess: self = Badge(css: "passed", glyph: "✓", label: "Fails less")
        case .slower: self = Badge(css: "skipped", glyph: "◷", label: "Slower")
        case .faster: self = Badge(css: "passed", glyph: "◷", label: "Faster")
        case .added: self = Badge(css: "pending", glyph: "+", label: "Only here")
        case .removed: self = Badge(css: "skipped", glyph: "−", label: "Only in the base")
        case .alike: self = Badge(css: "passed", glyph: "=", label: "Alike")
        case .unspecified, .UNRECOGNIZED: self = .unknown
        }
    }
}
