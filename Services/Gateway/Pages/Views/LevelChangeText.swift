import AnalyticsAPI
import SwiftProtobuf

/// A kept change of level in words: what it is of, what changed, whether it stands, and the page that tells more of the same.
struct LevelChangeText: Sendable {
    let badge: Badge
    let mark: ChartMark
    /// `Suite checkout`
    let part: String
    /// Of a test: on which it was looked at alone.
    let branch: String?
    let aboutPath: String
    let aboutLabel: String

    /// - Parameters:
    ///   - project: its slug, or its id where no more is known of it.
    ///   - testName: of a change of a test, which in a receipt goes by its id.
    init(_ change: PBLevelChange, of project: String, testName: String? = nil) {
        mark = ChartMark(change)
        badge = change.isDismissed ? .noChange : change.hasGoneAt ? .gone : Badge(change: mark)
        branch = change.branch.nonEmpty?.shortened(to: 200)
        guard change.dimension != .test else {
            part = "Test " + (testName?.nonEmpty ?? change.testName.nonEmpty ?? change.value).shortened(to: 200)
            aboutPath = PageAddress.of(PageAddress.test(change.value), [], fragment: TestTrendPanel.fragment)
            aboutLabel = "The test"
            return
        }
        let known = TrendsPage.Filter.dimensions.first { $0.dimension == change.dimension }
        part = known.map { "\($0.label) \(change.value.shortened(to: 200))" } ?? "The whole project"
        aboutPath = PageAddress.of(PageAddress.path("projects", project, "trends"), [("by", known?.word ?? ""), ("value", change.value)])
        aboutLabel = "The trends"
    }

    /// `Suite checkout: Pass rate from 98 % to 90 %`
    var title: String { "\(part)\(branch.map { " on \($0)" } ?? ""): \(mark.text)" }
}

extension PBLevelChange {
    /// A person has said that it is none.
    var isDismissed: Bool { verdict.kind == .dismissed }
}

extension ChartMark {
    init(_ change: PBLevelChange) {
        if change.dimension == .test {
            self.init(durationsOn: change.day, from: Int64(change.before), to: Int64(change.after))
        } else {
            self.init(change.figure, on: change.day, from: change.before, to: change.after)
        }
    }
}

extension Badge {
    /// Of a change that is not found any more.
    static let gone = Badge(css: "skipped", glyph: "–", label: "Gone")
}
