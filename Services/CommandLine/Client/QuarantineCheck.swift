import Foundation

/// What the server says of a run's failures and what is quarantined at the moment: its numbers are of the whole run, `data` is the first page.
struct QuarantineCheck: Decodable, Equatable, Sendable {
    struct Test: Decodable, Equatable, Sendable {
        var suiteName: String?
        var className: String?
        let name: String

        var title: String {
            let place = (className ?? "").isEmpty ? suiteName ?? "" : className ?? ""
            return Table.line(place.isEmpty ? name : "\(place) › \(name)")
        }
    }

    /// Tests that are named in a line.
    private static let mostNamed = 10

    let failingTests: Int64
    let quarantinedTests: Int64
    /// Nothing else is wrong with the run.
    let excused: Bool
    var data: [Test]?

    /// `nil` when nothing that failed is quarantined.
    var sentence: String? {
        guard quarantinedTests > 0 else { return nil }
        let named = (data ?? []).prefix(Self.mostNamed).map(\.title)
        let more = quarantinedTests - Int64(named.count)
        let names = named.joined(separator: ", ") + (more > 0 ? "\(named.isEmpty ? "" : " ")and \(more) more" : "")
        let failed = failingTests == 1 ? "1 test failed" : "\(failingTests) tests failed"
        return failingTests == quarantinedTests
            ? "\(failed), quarantined: \(names)" : "\(failed), \(quarantinedTests) of them quarantined: \(names)"
    }
}

extension QuarantineCheck {
    /// Of what fails in all uploads of some plans.
    init(of plans: [RetryPlan]) {
        self.init(
            failingTests: plans.reduce(0) { $0 + $1.failingTests }, quarantinedTests: plans.reduce(0) { $0 + $1.quarantinedTests },
            excused: RetryPlan.verdict(plans, isWhole: true).isExcused, data: plans.flatMap(\.quarantined))
    }
}
