import Jobs
import Primitives

/// Judges a project's failures again, page by page, and goes on in another job after some pages, so that none is too long for its lease. Each page is
/// written together with how far it got: a job that dies, or runs twice, judges nothing twice. When no failure is left, the lines of its logs are
/// judged as well.
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
    let logs: LogReceiptStore
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
            if last == nil {
                guard try await judgeLogs(of: state, by: book, tenant: tenant) else { return }
            }
            let isWritten = try await recategorisations.record(
                judged, of: state, last: last, continuing: last != nil && number == pages, tenant: tenant)
            guard isWritten, last != nil else { return }
            try await count(judged.overruns, of: state.project, tenant: tenant)
        }
    }

    /// So few that one job does them all. What was learnt by newer rules since it was asked for stays. A job that dies has written those it got to, and the one after it finds nothing to write in them.
    /// - Returns: false when the judging has been given up meanwhile.
    private func judgeLogs(of job: Recategorisation, by book: Rulebook, tenant: ID<Tenant>) async throws -> Bool {
        let scope = ProjectScope(tenant: tenant, project: job.project)
        var last: SignatureID?
        repeat {
            let lines = try await logs.page(after: last, limit: pageSize, by: book.edition, scope)
            let judged = LogRejudgement(lines, by: book)
            guard try await logs.record(judged, of: job.id, scope) else { return false }
            try await count(judged.overruns, of: job.project, tenant: tenant)
            last = lines.last?.signature
        } while last != nil
        return true
    }

    private func count(_ overruns: [ID<ProjectRule>: Int64], of project: ID<Project>, tenant: ID<Tenant>) async throws {
        for rule in try await rules.record(overruns, of: project, tenant: tenant) {
            try await rules.switchOff(rule, of: project, tenant: tenant)
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
