import Audit
import Crypto
import Foundation
import Postgres
import Primitives
import Synchronization

/// All SQL about CODEOWNERS files and the commits and branches that they are of.
final class CodeOwnersStore: Sendable {
    /// A version with its text.
    struct File: Sendable {
        let version: CodeOwnersVersion
        let content: String
    }

    private struct Key: Hashable {
        let tenant: ID<Tenant>
        let project: ID<Project>
        let sha256: Data
    }

    let database: Database
    /// Files that were read before: uploads come often, and the file changes seldom.
    private let read = Mutex<[Key: CodeOwners]>([:])
    private static let mostRead = 64

    private static let columns: SQL = "v.id, v.sha256, octet_length(f.content) as bytes, v.commit_sha, v.branch, v.created_at"
    private static let tables: SQL = "code_owners_versions v join code_owners_files f using (tenant_id, project_id, sha256)"

    init(database: Database) {
        self.database = database
    }

    // MARK: - Looking up

    /// Which version holds for a place, as a query of one row or none: `id`, `sha256`, `match`.
    static func resolution(of project: ID<Project>, at place: CodeOwnersVersion.Place, tenant: ID<Tenant>) -> SQL {
        """
        select id, sha256, match from (
            (select id, sha256, 1 as match from code_owners_versions
            where tenant_id = \(tenant) and project_id = \(project) and commit_sha = \(place.commit) and commit_sha <> ''
            order by branch = \(place.branch) desc, id desc limit 1)
            union all
            (select id, sha256, 2 from code_owners_versions
            where tenant_id = \(tenant) and project_id = \(project) and branch = \(place.branch) and branch <> ''
            order by id desc limit 1)
            union all
            (select id, sha256, 3 from code_owners_versions
            where tenant_id = \(tenant) and project_id = \(project) and branch = ''
            order by id desc limit 1)
        ) as found order by match limit 1
        """
    }

    /// The file of exactly the commit, else the newest of the branch, else the newest of no branch.
    func resolve(
        _ place: CodeOwnersVersion.Place, project: ID<Project>, tenant: ID<Tenant>
    ) async throws -> (file: File, match: CodeOwnersVersion.Match)? {
        try await database.lookUp(
            .tenant(tenant),
            """
            select \(fragment: Self.columns), f.content, r.match
            from (\(fragment: Self.resolution(of: project, at: place, tenant: tenant))) as r
            join code_owners_versions v on v.tenant_id = \(tenant) and v.id = r.id
            join code_owners_files f on f.tenant_id = \(tenant) and f.project_id = \(project) and f.sha256 = v.sha256
            """
        ) { row in
            (file: try File(row: row), match: try CodeOwnersVersion.Match(rawValue: row.value("match")) ?? .other)
        }
    }

    /// The one that was put last, wherever it is from.
    func newest(of project: ID<Project>, tenant: ID<Tenant>) async throws -> File? {
        try await database.lookUp(
            .tenant(tenant),
            """
            select \(fragment: Self.columns), f.content from \(fragment: Self.tables)
            where v.tenant_id = \(tenant) and v.project_id = \(project)
            order by v.id desc limit 1
            """
        ) { try File(row: $0) }
    }

    /// - Throws: `code_owners_version.not_found`.
    func get(_ id: ID<CodeOwnersVersion>, project: ID<Project>, tenant: ID<Tenant>) async throws -> File {
        let found = try await database.lookUp(
            .tenant(tenant),
            """
            select \(fragment: Self.columns), f.content from \(fragment: Self.tables)
            where v.tenant_id = \(tenant) and v.project_id = \(project) and v.id = \(id)
            """
        ) { try File(row: $0) }
        guard let found else { throw Fault.notFound("code_owners_version", id) }
        return found
    }

    /// Newest first.
    func list(_ page: PageRequest, project: ID<Project>, tenant: ID<Tenant>) async throws -> Page<CodeOwnersVersion> {
        let before = try page.after(ID<CodeOwnersVersion>.self)
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select \(fragment: Self.columns) from \(fragment: Self.tables)
            where v.tenant_id = \(tenant) and v.project_id = \(project) and (\(before)::uuid is null or v.id < \(before))
            order by v.id desc
            limit \(page.limit + 1)
            """
        ) { try CodeOwnersVersion(row: $0) }
        return Page(rows: rows, limit: page.limit) { $0.id.description }
    }

    /// A file as it is understood, by its content.
    func owners(_ sha256: Data, project: ID<Project>, tenant: ID<Tenant>) async throws -> CodeOwners? {
        let key = Key(tenant: tenant, project: project, sha256: sha256)
        if let known = read.withLock({ $0[key] }) { return known }
        let content = try await database.lookUp(
            .tenant(tenant),
            "select content from code_owners_files where tenant_id = \(tenant) and project_id = \(project) and sha256 = \(sha256)"
        ) { try $0.value("content", as: String.self) }
        // Whoever put another one meanwhile may have been the last to need it.
        guard let content else { return nil }
        let owners = CodeOwners(content)
        read.withLock { read in
            if read.count >= Self.mostRead { read = [:] }
            read[key] = owners
        }
        return owners
    }

    // MARK: - Putting

    /// What changes are held against, 1 when nobody has put any.
    func version(of project: ID<Project>, tenant: ID<Tenant>) async throws -> Int64 {
        try await database.lookUp(.tenant(tenant), Self.version(of: project, tenant: tenant)) { try $0.value("version") } ?? 1
    }

    /// The same file for the same commit and branch changes nothing, so every job of a build may send it.
    /// - Parameter expected: the version that is to be replaced; 0 for any.
    /// - Throws: `precondition_failed`.
    func put(
        _ content: String, _ place: CodeOwnersVersion.Place, expected: Int64, project: ID<Project>, tenant: ID<Tenant>
    ) async throws -> (file: File, version: Int64) {
        let sha256 = Data(SHA256.hash(data: Data(content.utf8)))
        return try await database.transaction(.tenant(tenant)) { tx in
            // One at a time in a project: the version is read and raised, and what is there once is not put twice.
            try await tx.execute("select pg_advisory_xact_lock(hashtextextended('code_owners/' || \(project.description), 0))")
            let version = try await tx.first(Self.version(of: project, tenant: tenant)) { try $0.value("version", as: Int64.self) } ?? 1
            guard expected == 0 || expected == version else { throw Fault.versionStale }
            let known = try await tx.first(
                """
                select \(fragment: Self.columns), f.content from \(fragment: Self.tables)
                where v.tenant_id = \(tenant) and v.project_id = \(project) and v.branch = \(place.branch)
                  and (\(place.commit) = '' or v.commit_sha = \(place.commit))
                order by v.id desc limit 1
                """
            ) { try File(row: $0) }
            if let known, known.version.sha256 == sha256 {
                AuditedCall.changedNothing()
                return (known, version)
            }
            let file = try await Self.insert(content, sha256, place, project: project, tenant: tenant, in: tx)
            try await Self.prune(project, tenant: tenant, in: tx)
            let raised = try await tx.one(
                """
                insert into reading_rules as r (tenant_id, project_id, kind, body, commit_sha)
                values (\(tenant), \(project), 'owners', '', '')
                on conflict on constraint reading_rules_pkey do update set version = r.version + 1, updated_at = now()
                returning version
                """
            ) { try $0.value("version", as: Int64.self) }
            try await tx.audit(
                project, project: project,
                details: [
                    "version": "\(raised)", "commit_sha": place.commit, "branch": place.branch, "code_owners_version": file.version.id.description,
                ])
            return (file, raised)
        }
    }

    private static func version(of project: ID<Project>, tenant: ID<Tenant>) -> SQL {
        "select version from reading_rules where tenant_id = \(tenant) and project_id = \(project) and kind = 'owners'"
    }

    private static func insert(
        _ content: String, _ sha256: Data, _ place: CodeOwnersVersion.Place, project: ID<Project>, tenant: ID<Tenant>, in tx: Transaction
    ) async throws -> File {
        try await tx.execute(
            """
            insert into code_owners_files (tenant_id, project_id, sha256, content) values (\(tenant), \(project), \(sha256), \(content))
            on conflict on constraint code_owners_files_pkey do nothing
            """)
        let version = CodeOwnersVersion(
            id: .new(), sha256: sha256, bytes: Int64(content.utf8.count), commit: place.commit, branch: place.branch, createdAt: Date())
        try await tx.execute(
            """
            insert into code_owners_versions (tenant_id, id, project_id, sha256, commit_sha, branch, created_at)
            values (\(tenant), \(version.id), \(project), \(sha256), \(place.commit), \(place.branch), \(version.createdAt))
            """)
        return File(version: version, content: content)
    }

    /// Holds the bounds: versions, different files; and files that no version has.
    private static func prune(_ project: ID<Project>, tenant: ID<Tenant>, in tx: Transaction) async throws {
        try await tx.execute(
            """
            with mine as (
                select id, sha256, branch, row_number() over (order by id desc) as place,
                    row_number() over (partition by branch order by id desc) as of_branch
                from code_owners_versions where tenant_id = \(tenant) and project_id = \(project)
            ),
            files as (
                select sha256, row_number() over (order by min(place)) as place from mine group by sha256
            )
            delete from code_owners_versions v using mine join files using (sha256)
            where v.tenant_id = \(tenant) and v.id = mine.id
              and (mine.place > \(CodeOwnersVersion.most) or files.place > \(CodeOwnersVersion.mostFiles))
              and not (mine.branch = '' and mine.of_branch = 1)
            """)
        try await tx.execute(
            """
            delete from code_owners_files f
            where f.tenant_id = \(tenant) and f.project_id = \(project) and not exists (
                select from code_owners_versions v
                where v.tenant_id = f.tenant_id and v.project_id = f.project_id and v.sha256 = f.sha256)
            """)
    }
}

extension CodeOwnersStore.File {
    fileprivate init(row: Row) throws {
        version = try CodeOwnersVersion(row: row)
        content = try row.value("content")
    }
}

extension CodeOwnersVersion {
    fileprivate init(row: Row) throws {
        id = try row.value("id")
        sha256 = try row.value("sha256")
        bytes = Int64(try row.value("bytes", as: Int32.self))
        commit = try row.value("commit_sha")
        branch = try row.value("branch")
        createdAt = try row.value("created_at")
    }
}
