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
        var count: Int64 = 0
        var last = ""
        for _ in 0..<filingCalls {
            let filed: PBFiledFailures
            if isGivenBack {
                filed = try await triage.giveBackFailureGroup(
                    .with {
                        $0.project = project
                        $0.group = group
                    })
            } else {
                filed = try await triage.fileFailureGroup(
                    .with {
                        $0.project = project
                        $0.group = group
                        $0.category = FailureVerdictPanel.category(fields)
                        $0.severity = FailureVerdictPanel.severity(fields)
                        $0.note = (fields["note"] ?? "").trimmed.shortened(to: 2000)
                        $0.after = last
                    })
                last = filed.lastResult
            }
            count += filed.failures
            guard filed.hasMore_p else { return nil }
        }
        return "\(NumberText.counted(count, "failure")) \(isGivenBack ? "given back" : "filed"). There are more: do it again to go on."
    }
}
