import AnalyticsAPI
import Foundation
import SwiftProtobuf

/// A test that takes longer or shorter since a day, as the page of trends tells it. What is said of it is said on the test's own page.
struct TestChangeRow: Sendable {
    let badge: Badge
    let day: String
    let name: String
    let text: String
    /// On which it was looked at alone.
    let branch: String?
    let path: String
    let receiptPath: String

    init(_ change: PBLevelChange) {
        let mark = ChartMark(change)
        badge = Badge(change: mark)
        day = mark.day
        text = mark.text
        name = (change.testName.nonEmpty ?? change.value).shortened(to: 200)
        branch = change.branch.nonEmpty?.shortened(to: 200)
        path = PageAddress.of(PageAddress.test(change.value), [], fragment: TestTrendPanel.fragment)
        receiptPath = ReceiptPage.path(levelChange: change.id)
    }
}
