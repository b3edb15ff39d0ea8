import Jobs
import Primitives

/// Goes through the failures of a signature that were there before a person cut it, page by page, and on in another job after some pages, so that none is too
/// long for its lease. What a page moves is written together with how far it got: a job that dies, or runs twice, moves nothing twice.
struct CutSignature: JobHandler {
    struct Payload: JobPayload {
        static let kind = "cut-signature"

        let project: ID<Project>
        let cut: ID<GroupingDecision>
        /// The last failure that the job before this one looked at. The rows know better; this tells jobs apart in the queue's tables.
        let after: ID<Result>?
    }

    static let concurrency = 1

    let cutting: CuttingStore
    /// Failures that are looked at and written together, while the project's intake waits. Each may be of a run of its own, which costs a few statements.
    var pageSize = 100
    /// Pages of one job.
    var pages = 40

    func handle(_ payload: Payload, _ job: Job) async throws {
        let scope = ProjectScope(tenant: job.tenant, project: payload.project)
        for number in 1...pages {
            guard try await cutting.step(payload.cut, limit: pageSize, continuing: number == pages, scope) else { return }
        }
    }
}
