import CommonAPI
import Foundation
import GRPCCore
import Jobs
import NotificationsAPI
import Primitives
import ServiceKit
import SwiftProtobuf

/// `assay.notifications.v1.Intake`: where other services deliver what happened.
struct IntakeRPC: PBIntake.SimpleServiceProtocol {
    let deliveries: DeliveryStore
    let jobs: JobQueue

    func submitEvent(request: PBSubmitEventRequest, context: ServerContext) async throws -> PBEmpty {
        let event = try Event(
            id: request.id, type: request.type, project: request.project.isEmpty ? nil : ID(request.project, field: "/project"),
            occurredAt: request.hasOccurredAt ? request.occurredAt.date : Date(), data: request.data.jsonString(),
            failures: request.failures.map(EventFailure.init))
        try await deliveries.insert(event, enqueueing: jobs, tenant: Caller.current.tenant)
        return PBEmpty()
    }
}

extension EventFailure {
    init(_ message: PBEventFailure) {
        test = message.test.replacing("\0", with: "")
        file = message.file.replacing("\0", with: "")
        line = Int(message.line)
        self.message = message.message.replacing("\0", with: "")
        trace = message.trace.replacing("\0", with: "")
    }
}
