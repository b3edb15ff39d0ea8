import Foundation
import Jobs
import Primitives

/// Joins the failures of a test that was renamed to those of the test that it is, signature by signature and page by page, and on in another job after
/// some pages, so that none is too long for its lease. Each page is written together with what it changes in the counts, and what has been joined is the
/// alias's no more: a job that dies, or runs twice, joins nothing twice.
struct JoinTests: JobHandler {
    struct Payload: JobPayload {
        static let kind = "join-tests"

        let project: ID<Project>
        let alias: ID<Test>
        /// When the alias has stood for itself meanwhile, this is over: what it has now another job joins.
        let episode: UUID
        /// How far the job before this one got; nothing where this one begins, or begins with another signature.
        let place: JoiningStore.Place?
    }

    static let concurrency = 1

    let joining: JoiningStore
    /// Failures that are looked at and written together, while the project's intake waits.
    var pageSize = 2000
    /// Pages of one job.
    var pages = 200

    func handle(_ payload: Payload, _ job: Job) async throws {
        let scope = ProjectScope(tenant: job.tenant, project: payload.project)
        var place = payload.place
        for number in 1...pages {
            let next = try await joining.step(payload, from: place, limit: pageSize, continuing: number == pages, scope)
            guard case .page(let behind) = next else { return }
            place = behind
        }
    }
}
