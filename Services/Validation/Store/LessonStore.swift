import Foundation
import Postgres
import Primitives
import Synchronization

/// All SQL that reads what people taught.
final class LessonStore: Sendable {
    private struct Key: Hashable {
        let tenant: ID<Tenant>
        let project: ID<Project>
        let edition: Int64
    }

    private let database: Database
    /// What was read and made ready before: failures come often, and people say something seldom. One is some 2 MB when it is full.
    private let known = Mutex<[Key: Lessons]>([:])
    private static let mostKnown = 32

    private static let columns: SQL = """
        since_edition, signature_id, origin, text, category, severity, result_id, verdict_version, decided_by, decided_at
        """

    init(database: Database) {
        self.database = database
    }

    /// Those that hold, newest first.
    func list(_ page: PageRequest, of project: ID<Project>, tenant: ID<Tenant>) async throws -> Page<Lesson> {
        let before = try page.afterNumber()
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select \(fragment: Self.columns) from lessons
            where tenant_id = \(tenant) and project_id = \(project) and until_edition is null
              and (\(before)::bigint is null or since_edition < \(before))
            order by since_edition desc
            limit \(page.limit + 1)
            """
        ) { try Lesson(row: $0) }
        return Page(rows: rows, limit: page.limit) { "\($0.edition)" }
    }

    /// What is asked about failures that no rule of the book knows.
    /// - Returns: `nil` when nothing has been learnt, or the learned step is off: then nothing is read.
    func step(for book: Rulebook, of project: ID<Project>, tenant: ID<Tenant>) async throws -> LearnedStep? {
        guard book.lessons > 0 else { return nil }
        return LearnedStep(lessons: try await lessons(of: project, edition: book.lessons, tenant: tenant), rules: book.builtIn)
    }

    /// What was known in an edition, made ready.
    func lessons(of project: ID<Project>, edition: Int64, tenant: ID<Tenant>) async throws -> Lessons {
        let key = Key(tenant: tenant, project: project, edition: edition)
        if let ready = known.withLock({ $0[key] }) { return ready }
        let rows = try await rows(of: project, edition: edition, tenant: tenant)
        let lessons = await Task.detached { Lessons(rows, edition: edition) }.value
        known.withLock { known in
            if known.count >= Self.mostKnown { known = [:] }
            known[key] = lessons
        }
        return lessons
    }

    /// The newest lessons of an edition. Those that stand and those that have ended since come from an index each, so what had ended before is not looked at.
    func rows(of project: ID<Project>, edition: Int64, tenant: ID<Tenant>) async throws -> [Lesson] {
        try await database.rows(
            .tenant(tenant),
            """
            (select \(fragment: Self.columns) from lessons
             where tenant_id = \(tenant) and project_id = \(project) and until_edition is null and since_edition <= \(edition)
             order by since_edition desc
             limit \(Lessons.most))
            union all
            (select \(fragment: Self.columns) from lessons
             where tenant_id = \(tenant) and project_id = \(project) and until_edition > \(edition) and since_edition <= \(edition))
            order by since_edition desc
            limit \(Lessons.most)
            """
        ) { try Lesson(row: $0) }
    }
}

extension Lesson {
    init(row: Row) throws {
        self.init(
            signature: Signature(origin: try row.value("origin"), text: try row.value("text")), category: try stored(row.value("category")),
            severity: try row.value("severity", as: String?.self).map { try stored($0) }, result: try row.value("result_id"),
            verdict: try row.value("verdict_version"), decidedBy: try row.value("decided_by"), decidedAt: try row.value("decided_at"),
            edition: try row.value("since_edition"))
    }
}
