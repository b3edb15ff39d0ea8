import CommonAPI
import Foundation
import Primitives
import ServiceKit
import SwiftProtobuf
import ValidationAPI

extension FailureBatch {
    /// - Throws: `request.invalid`, `invalid_id` naming the field.
    init(_ request: PBSubmitFailuresRequest, _ failures: [FiledFailure]) throws(Fault) {
        // Senders of an earlier release do not say when the run started; results are named when they come.
        let earliest = failures.map(\.result.result.time).min()
        self.init(
            run: try ID(request.run, field: "/run"), project: try ID(request.project, field: "/project"), lane: try Lane(request.lane),
            branch: request.branch, commit: request.commitSha, environment: request.environment,
            startedAt: request.hasStartedAt ? request.startedAt.date : earliest ?? .distantPast, failures: failures)
    }
}
