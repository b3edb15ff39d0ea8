import SwiftProtobuf
import ValidationAPI

/// The failures of a run that have one category in common, those that say the same taken together.
struct FailureGroup: Sendable {
    /// That many causes are open to view; the others are a click away.
    static let shownAtOnce = 8

    let category: String
    let severity: String
    let severityCSS: String
    let count: String
    let shown: [FailureCause]
    let more: [FailureCause]
    let hasMore: Bool
    let moreLabel: String
    /// Says so when there are more failures than one page of the service holds.
    let unlisted: String?

    init(_ group: PBCategoryCount, failures: [PBFailure]) {
        let own = failures.filter { $0.category == group.category }
        let causes = FailureCause.all(own)
        category = JudgementText.category(group.category)
        (severity, severityCSS) = JudgementText.severity(group.worstSeverity)
        count = NumberText.counted(group.count, "failure")
        shown = Array(causes.prefix(Self.shownAtOnce))
        more = Array(causes.dropFirst(Self.shownAtOnce))
        hasMore = !more.isEmpty
        moreLabel = "\(NumberText.grouped(Int64(more.count))) more"
        let left = group.count - Int64(own.count)
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
