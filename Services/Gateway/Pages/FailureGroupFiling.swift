import Foundation
import GRPCCore
import Primitives
import SwiftProtobuf
import ValidationAPI

/// A person's word on all failures of a group at once.
extension FailureGroupPage {
    /// Calls that one click makes: as many failures as a browser may well wait for.
    static let filingCalls = 10

    struct Filing: Sendable {
        let categories: [FailureVerdictPanel.Choice]
        let severities: [FailureVerdictPanel.Choice]

        init() {
            categories = FailureVerdictPanel.categoryChoices()
            severities = FailureVerdictPanel.severityChoices()
        }
    }

    /// What came of it, where it has to be told: most groups are done with at once, and the page shows what they are now.
    static func file(_ visit: Visit, _ fields: [String: String], group: String, of project: String) async throws -> String? {
        let triage = PBFailureTriage.Client(wrapping: visit.upstream("validation"))
        let isGivenBack = fields["action"] == "give_back"
        var last = ""
        // The call that is on its way then has as long again.
        return try await goOn(isGivenBack: isGivenBack, until: .now + Visit.patience / 2) {
            if isGivenBack {
                return try await triage.giveBackFailureGroup(
                    .with {
                        $0.project = project
                        $0.group = group
                    })
            }
            let filed = try await triage.fileFailureGroup(
                .with {
                    $0.project = project
                    $0.group = group
                    $0.category = FailureVerdictPanel.category(fields)
                    $0.severity = FailureVerdictPanel.severity(fields)
                    $0.note = (fields["note"] ?? "").trimmed.shortened(to: 2000)
                    $0.after = last
                })
            last = filed.lastResult
            return filed
        }
    }

    /// Calls until nothing is left, or the time or the number of calls is used up.
    /// - Throws: what the call throws, as long as nothing has been done: what has is told instead, and the rest can be asked for again.
    static func goOn(isGivenBack: Bool, until end: ContinuousClock.Instant, _ call: () async throws -> PBFiledFailures) async throws -> String? {
        var count: Int64 = 0
        for _ in 0..<filingCalls {
            do {
                let filed = try await call()
                count += filed.failures
                guard filed.hasMore_p else { return count == 0 ? nothing(isGivenBack: isGivenBack) : nil }
            } catch {
                guard count > 0 else { throw error }
                break
            }
            guard ContinuousClock.now < end else { break }
        }
        return "\(NumberText.counted(count, "failure")) \(isGivenBack ? "given back" : "filed"). There are more: do it again to go on."
    }

    private static func nothing(isGivenBack: Bool) -> String {
        isGivenBack ? "Nothing to give back: the machine decides on all of them already." : "Nothing to file: all of them are that already."
    }
}
