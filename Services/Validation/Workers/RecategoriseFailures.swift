import Jobs
import Primitives

/// Judges a project's failures again, page by page, and goes on in another job after some pages, so that none is too long for its lease. Each page is written
/// together with how far it got: a job that dies, or runs twice, judges nothing twice.
struct RecategoriseFailures: JobHandler {
    struct Payload: JobPayload {
        static let kind = "recategorise-failures"

        let id: ID<Recategorisation>
        /// The last failure that the job before this one looked at. The rows know better; this tells jobs apart in the queue's tables.
        let after: ID<Result>?
    }

    static let concurrency = 1

    let recategorisations: RecategorisationStore
    let rules: RuleStore
    /// Failures that are judged and written together.
    var pageSize = 500
    /// Pages of one job.
    var pages = 40

    func handle(_ payload: Payload, _ job: Job) async throws {
        let tenant = job.tenant
        try await recategorisations.begin(payload.id, tenant: tenant)
        let first = try await recategorisations.get(payload.id, tenant: tenant)
        guard first.finishedAt == nil else { return }
        let book = try await book(of: first, tenant: tenant)
        let step = try await rules.lessons.step(for: book, of: first.project, tenant: tenant)
        for number in 1...pages {
            let state = try await recategorisations.get(payload.id, tenant: tenant)
            guard state.finishedAt == nil else { return }
            let failures = try await recategorisations.page(state, limit: pageSize, tenant: tenant)
            let judged = Rejudgement(failures, by: book, then: step)
            let last = failures.last?.result
            let isWritten = try await recategorisations.record(
                judged, of: state, last: last, continuing: last != nil && number == pages, tenant: tenant)
            guard isWritten, last != nil else { return }
            for rule in try await rules.record(judged.overruns, of: state.project, tenant: tenant) {
                try await rules.switchOff(rule, of: state.project, tenant: tenant)
            }
        }
    }

    /// The rules and lessons that held when it was asked for; rules that everybody has are today's when this release no longer has those.
    private func book(of job: Recategorisation, tenant: ID<Tenant>) async throws -> Rulebook {
        let everybody = Rulebook.everybody(in: job.edition.builtIn) ?? .standard
        var book = try await rules.book(of: job.project, edition: job.edition.project, builtIn: everybody, tenant: tenant)
        book.lessons = job.edition.lessons
        return book
    }
}
