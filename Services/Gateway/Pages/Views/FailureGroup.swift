import SwiftProtobuf
import ValidationAPI

/// The failures of a run that have one cause in common, by category.
struct FailureGroup: Sendable {
    /// That many are open to view; the others are a click away.
    static let shownAtOnce = 8

    let category: String
    let severity: String
    let severityCSS: String
    let count: String
    let shown: [Row]
    let more: [Row]
    let hasMore: Bool
    let moreLabel: String
    /// Says so when there are more failures than one page of the service holds.
    let unlisted: String?

    struct Row: Sendable {
        let path: String
        let name: String
        let className: String?
        let message: String?
        let rule: String
        /// Where the rule is one of the project.
        let rulePath: String?
        let evidence: String?

        init(_ failure: PBFailure) {
            path = PageAddress.result(failure.result)
            name = failure.testName.shortened(to: 300)
            className = failure.className.nonEmpty?.shortened(to: 300)
            message = failure.message.withoutTerminalColours.nonEmpty?.shortened(to: 500)
            rule = failure.rule
            rulePath = RuleText.path(failure)
            evidence = failure.evidence.withoutTerminalColours.nonEmpty
        }
    }

    init(_ group: PBCategoryCount, failures: [PBFailure]) {
        let rows = failures.filter { $0.category == group.category }.map(Row.init)
        category = JudgementText.category(group.category)
        (severity, severityCSS) = JudgementText.severity(group.worstSeverity)
        count = NumberText.counted(group.count, "failure")
        shown = Array(rows.prefix(Self.shownAtOnce))
        more = Array(rows.dropFirst(Self.shownAtOnce))
        hasMore = !more.isEmpty
        moreLabel = "\(NumberText.grouped(Int64(more.count))) more"
        let left = group.count - Int64(rows.count)
        unlisted = left > 0 ? "\(NumberText.grouped(left)) further are in the list of results below." : nil
    }

    /// Most frequent first. A service that has no totals yet is told from the failures themselves.
    static func all(_ validation: PBValidation, failures: [PBFailure]) -> [FailureGroup] {
        var categories = validation.categories
        for category in Set(failures.map(\.category)).subtracting(categories.map(\.category)) {
            let own = failures.filter { $0.category == category }
            categories.append(
                .with {
                    $0.category = category
                    $0.count = Int64(own.count)
                    $0.worstSeverity = own.map(\.severity).max { $0.rawValue < $1.rawValue } ?? .severityUnspecified
                })
        }
        return categories.sorted { ($0.count, $1.category.rawValue) > ($1.count, $0.category.rawValue) }.map { FailureGroup($0, failures: failures) }
    }
}
