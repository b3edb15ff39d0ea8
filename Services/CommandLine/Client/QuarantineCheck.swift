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

/// How a finished run ends a command.
struct RunVerdict: Equatable, Sendable {
    var status: ExitStatus
    /// The run failed, and only by tests that are quarantined.
    var isExcused = false

    /// Asks what is quarantined when tests failed, and says it on standard error. When that cannot be found out, a failure is a failure.
    static func of(
        _ run: String, state: String, _ connection: APIConnection, _ console: Console, _ options: QuarantineOptions
    ) async throws -> RunVerdict {
        let status = ExitStatus(runState: state)
        guard status == .failed, !options.noQuarantine else { return RunVerdict(status: status) }
        let check: QuarantineCheck
        do {
            check = try await connection.get(QuarantineCheck.self, "\(Run.path(run))/quarantined-failures")
        } catch let failure as ClientFailure {
            console.warn("what is quarantined could not be found out: \(failure)")
            return RunVerdict(status: status)
        }
        if let sentence = check.sentence { console.note(sentence) }
        return check.excused ? RunVerdict(status: .passed, isExcused: true) : RunVerdict(status: status)
    }
}
