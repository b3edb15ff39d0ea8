import ExecutionAPI
import GRPCCore
import Jobs
import Primitives
import ServiceKit
import SwiftProtobuf

/// Asks Execution for the run of one firing. The firing's id is the idempotency key: however often this runs, there is one run.
struct StartFiring: JobHandler {
    struct Payload: JobPayload {
        static let kind = "start-firing"

        let firing: ID<Firing>
        let schedule: ID<Schedule>
        let project: ID<Project>
        let suite: ID<Suite>
        let variables: [String: String]
        let environment: String
    }

    let firings: FiringStore
    let runs: PBRuns.Client<ServiceTransport>

    func handle(_ payload: Payload, _ job: Job) async throws {
        let request = PBStartRunRequest.with {
            $0.project = payload.project.description
            $0.suite = payload.suite.description
            $0.variables = payload.variables
            $0.environment = payload.environment
            $0.tags = ["schedule": payload.schedule.description]
        }
        do {
            let caller = Caller.current
            let keyed = Caller(identity: caller.identity, requestID: caller.requestID, idempotencyKey: payload.firing.description)
            let run = try await Caller.with(keyed) { try await runs.startRun(request) }
            try await firings.settle(payload.firing, .started, run: ID(run.id), reason: "", tenant: job.tenant)
        } catch let error as RPCError {
            let fault = Fault(error)
            guard !fault.kind.isPassing else { throw fault }
            try await firings.settle(payload.firing, .failed, run: nil, reason: "\(fault.code): \(fault.detail)", tenant: job.tenant)
        }
    }
}
