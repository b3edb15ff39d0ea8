import Foundation
import Patterns
import Postgres
import Primitives
import Synchronization

/// All SQL about a project's rules and their editions.
final class RuleStore: Sendable {
    private struct BookKey: Hashable {
        let tenant: ID<Tenant>
        let project: ID<Project>
        let edition: Int64
    }

    let database: Database
    /// What is asked where none of the rules knows a failure.
    let lessons: LessonStore
    /// Books that were read and compiled before: failures come often, and rules change seldom.
    private let books = Mutex<[BookKey: Rulebook]>([:])
    private static let mostBooks = 256

    static let columns: SQL = """
        rule_id, since_edition, name, category, severity, position, places, pattern, enabled, overruns, last_overrun
        """

    init(database: Database) {
        self.database = database
        lessons = LessonStore(database: database)
    }

    // MARK: Reading

    /// The edition that holds; 0 before the first rule.
    func edition(of project: ID<Project>, tenant: ID<Tenant>) async throws -> Int64 {
        try await database.lookUp(
            .tenant(tenant), "select edition from rulebooks where tenant_id = \(tenant) and project_id = \(project)"
        ) { try $0.value("edition") } ?? 0
    }

    /// What failures are judged by now, and the edition of the lessons that those are compared with which no rule knows. Both are read at once, so that a
    /// project without lessons pays nothing for them.
    func book(of project: ID<Project>, tenant: ID<Tenant>) async throws -> Rulebook {
        let now = try await database.lookUp(
            .tenant(tenant), "select edition, lessons_edition from rulebooks where tenant_id = \(tenant) and project_id = \(project)"
        ) { (edition: try $0.value("edition", as: Int64.self), lessons: try $0.value("lessons_edition", as: Int64.self)) }
        var book = try await book(of: project, edition: now?.edition ?? 0, tenant: tenant)
        if book.isLearning { book.lessons = now?.lessons ?? 0 }
        return book
    }

    /// What failures were judged by.
    /// - Parameter builtIn: the rules that everybody had then.
    func book(of project: ID<Project>, edition: Int64, builtIn: Rulebook = .standard, tenant: ID<Tenant>) async throws -> Rulebook {
        guard edition > 0 else { return builtIn }
        let key = BookKey(tenant: tenant, project: project, edition: edition)
        let whole = Rulebook.Edition(builtIn: builtIn.edition.builtIn, project: edition)
        if let known = books.withLock({ $0[key] }) {
            return Rulebook(edition: whole, own: known.own, isLearning: known.isLearning, builtIn: builtIn.builtIn)
        }
        let book = Rulebook(
            edition: whole, own: try await rules(of: project, edition: edition, tenant: tenant),
            isLearning: try await isLearning(project, edition: edition, tenant: tenant), builtIn: builtIn.builtIn)
        books.withLock { books in
            if books.count >= Self.mostBooks { books = [:] }
            books[key] = book
        }
        return book
    }

    /// The rules as they were in an edition, in the order in which they were asked.
    func rules(of project: ID<Project>, edition: Int64, tenant: ID<Tenant>) async throws -> [ProjectRule] {
        try await database.rows(
            .tenant(tenant),
            """
            select \(fragment: Self.columns) from project_rules
            where tenant_id = \(tenant) and project_id = \(project) and since_edition <= \(edition)
              and (until_edition is null or until_edition > \(edition))
            order by position, rule_id
            """
        ) { try ProjectRule(row: $0) }
    }

    /// - Throws: `rule.not_found`.
    func get(_ id: ID<ProjectRule>, of project: ID<Project>, tenant: ID<Tenant>) async throws -> ProjectRule {
        let found = try await database.lookUp(.tenant(tenant), Self.current(id, of: project, tenant: tenant)) { try ProjectRule(row: $0) }
        guard let found else { throw Fault.notFound("rule", id) }
        return found
    }

    /// As it is in the newest edition.
    static func current(_ id: ID<ProjectRule>, of project: ID<Project>, tenant: ID<Tenant>) -> SQL {
        """
        select \(fragment: columns) from project_rules
        where tenant_id = \(tenant) and project_id = \(project) and rule_id = \(id) and until_edition is null
        """
    }

    /// Newest first.
    func editions(_ page: PageRequest, of project: ID<Project>, tenant: ID<Tenant>) async throws -> Page<RuleEdition> {
        let before = try page.afterNumber()
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select * from (
                select edition, change, rule_id, rule_name, actor, changed_at from rule_editions
                where tenant_id = \(tenant) and project_id = \(project) and (\(before)::bigint is null or edition < \(before))
                union all
                select edition, case when is_on then 'learning_on' else 'learning_off' end, null, '', actor, changed_at from learning_switches
                where tenant_id = \(tenant) and project_id = \(project) and (\(before)::bigint is null or edition < \(before))
            ) e
            order by edition desc
            limit \(page.limit + 1)
            """
        ) { try RuleEdition(row: $0) }
        return Page(rows: rows, limit: page.limit) { "\($0.edition)" }
    }

    // MARK: Costs

    /// Counts on how many failures which rule ran out of its budget. A delivery that comes again counts again.
    /// - Returns: rules that have done so too often and are still asked.
    func record(_ overruns: [ID<ProjectRule>: Int64], of project: ID<Project>, tenant: ID<Tenant>) async throws -> [ID<ProjectRule>] {
        guard !overruns.isEmpty else { return [] }
        let ordered = overruns.sorted { $0.key.uuid.uuidString < $1.key.uuid.uuidString }
        return try await database.rows(
            .tenant(tenant),
            """
            update project_rules r set overruns = r.overruns + u.count, last_overrun = now()
            from unnest(\(ordered.map(\.key))::uuid[], \(ordered.map(\.value))::bigint[]) as u (rule_id, count)
            where r.tenant_id = \(tenant) and r.project_id = \(project) and r.rule_id = u.rule_id and r.until_edition is null
            returning r.rule_id, r.overruns >= \(ProjectRule.mostOverruns) and r.enabled as is_over
            """
        ) { (rule: try $0.value("rule_id", as: ID<ProjectRule>.self), isOver: try $0.value("is_over", as: Bool.self)) }
        .filter(\.isOver).map(\.rule)
    }
}

extension ProjectRule {
    init(row: Row) throws {
        let text: String = try row.value("pattern")
        guard let pattern = try? Pattern(text) else {
            throw Fault(.internal, "validation.unknown_word", "The pattern of a stored rule is none for this release.")
        }
        self.init(
            id: try row.value("rule_id"),
            draft: Draft(
                name: try row.value("name"), category: try stored(row.value("category")), severity: try stored(row.value("severity")),
                order: Int(try row.value("position", as: Int32.self)), places: try row.value("places", as: [String].self).map { try stored($0) },
                pattern: pattern, isEnabled: try row.value("enabled")),
            edition: try row.value("since_edition"), overruns: try row.value("overruns"), lastOverrun: try row.value("last_overrun", as: Date?.self))
    }
}

extension RuleEdition {
    fileprivate init(row: Row) throws {
        edition = try row.value("edition")
        change = try stored(row.value("change"))
        rule = try row.value("rule_id", as: ID<ProjectRule>?.self)
        ruleName = try row.value("rule_name")
        actor = try row.value("actor")
        changedAt = try row.value("changed_at")
    }
}
