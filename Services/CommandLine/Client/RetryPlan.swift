import Foundation

/// What the server says of the tests that fail in some uploads.
struct RetryPlan: Decodable, Equatable, Sendable {
    struct Test: Decodable, Equatable, Sendable {
        var suiteName: String?
        var className: String?
        let name: String
        var file: String?
        let retry: Bool
        var reason: String?
        let detail: String

        var place: QuarantineCheck.Test { QuarantineCheck.Test(suiteName: suiteName, className: className, name: name) }
        var title: String { place.title }
    }

    /// Tests that are named, of each kind.
    private static let mostNamed = 10
    /// Uploads that one plan is of.
    static let mostUploads = 100

    let failingTests: Int64
    let passedAgainTests: Int64
    let quarantinedTests: Int64
    /// Nothing else is wrong with the uploads.
    let excused: Bool
    let retryTests: Int64
    var data: [Test]?
    /// Failing tests that are too many for `data`. Servers of an earlier release do not say.
    var leftOutTests: Int64?

    /// Those that are worth another try.
    var wanted: [Test] { (data ?? []).filter(\.retry) }

    /// Those that break nothing, as far as they are told.
    var quarantined: [QuarantineCheck.Test] { (data ?? []).filter { $0.reason == "QUARANTINED" }.map(\.place) }

    /// What is tried again, and what is not and why.
    /// - Parameter attempt: which try of the build it is.
    func lines(attempt: Int) -> [String] {
        let left = (data ?? []).filter { !$0.retry }
        var lines: [String] = []
        if !wanted.isEmpty {
            let names = wanted.prefix(Self.mostNamed).map(\.title).joined(separator: ", ")
            let more = wanted.count > Self.mostNamed ? " and \(wanted.count - Self.mostNamed) more" : ""
            lines.append("\(wanted.count) of \(failingTests) failing tests are tried again (try \(attempt)): \(names)\(more)")
        }
        lines += left.prefix(Self.mostNamed).map { "not tried again: \($0.title): \(Table.line($0.detail))" }
        let more = Int64(max(0, left.count - Self.mostNamed)) + (leftOutTests ?? 0)
        if more > 0 { lines.append(more == 1 ? "and 1 more is not" : "and \(more) more are not") }
        return lines
    }

    /// How a build of several plans' uploads ends: whatever fails in any of them fails.
    /// - Parameters:
    ///   - isWhole: the server took all that was to be uploaded. Plans tell of what it has, and one without a failing test does not say whether that is
    ///     all of its uploads.
    ///   - isQuarantineIgnored: a test that is quarantined fails like any other.
    static func verdict(_ plans: [RetryPlan], isWhole: Bool, isQuarantineIgnored: Bool = false) -> RunVerdict {
        let isExcused =
            isWhole && plans.contains(where: \.excused) && plans.allSatisfy { $0.excused || $0.failingTests + $0.passedAgainTests == 0 }
            && !(isQuarantineIgnored && plans.contains { $0.quarantinedTests > 0 })
        if isExcused { return RunVerdict(status: .passed, isExcused: true) }
        return RunVerdict(status: plans.contains { $0.failingTests > 0 } ? .failed : .passed)
    }

    /// - Parameter uploads: at most `mostUploads`.
    static func of(_ run: String, _ uploads: [String], _ connection: APIConnection) async throws -> RetryPlan {
        try await connection.get(RetryPlan.self, "\(Run.path(run))/retry-plan", query: uploads.map { ("upload", $0) })
    }
}
