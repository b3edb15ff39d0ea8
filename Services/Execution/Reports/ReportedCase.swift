import Foundation

/// One test case as a report tells it, before it has an id.
struct ReportedCase: Equatable, Sendable {
    /// Name of the innermost suite that has one; the outer ones are often paths of the machine that ran the tests.
    var suiteName = ""
    var className = ""
    var name = ""
    var file = ""
    var line: Int32?
    /// `nil` when the report does not say, or says something impossible.
    var microseconds: Int64?
    var startedAt: Date?
    var outcome = Outcome.passed
    /// `nil` for most that passed.
    var texts: ResultTexts?
}
