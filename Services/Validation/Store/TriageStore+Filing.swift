import Audit
import Postgres
import Primitives

/// What a person says of all failures of a group at once. Each gets the word as if it had been said of it alone (`VerdictStore`): it can be taken
/// back alone, and what was said before stays readable.
extension TriageStore {
    /// Failures a call: the project's intake waits for as long.
    static let maxFiled = 2000

    struct Word: Sendable {
        let category: Category
        /// That of the machine, of each failure, when `nil`.
        let severity: Severity?
        let note: String
    }

    struct Filed: Sendable {
        var failures: Int64 = 0
        /// There are more than a call reaches.
        var hasMore = false
        /// The last one that was reached; `nil` when none was, and when they were given back: what has no word is not looked at for that again.
        var last: ID<Result>?
        /// Of which it was said.
        var signatures = 0
    }

    /// Files those that are not so already by a person's word: what the machine says does not stay when rules change. What is in the group is found
    /// when this is carried out.
    /// - Parameter after: the last one that a call before this one reached: what it has looked at is not looked at again.
    /// - Throws: `failure_group.not_found`.
    func file(
        _ word: Word, on id: ID<FailureGroup>, after last: ID<Result>? = nil, by actor: String, _ scope: ProjectScope
    ) async throws -> Filed {
        let filed = try await database.transaction(.tenant(scope.tenant)) { tx in
            try await scope.lock(in: tx)
            let group = try await groups.get(id, scope, in: tx).id
            let start = try await start(after: last, scope, in: tx)
            let said = try await tx.rows(Self.filing(group, from: start, as: word, by: actor, scope)) { try Said(row: $0) }
            return try await follow(said, in: group, word.details, scope, in: tx)
        }
        try await learn(filed, scope)
        return filed
    }

    /// Gives those back to the machine that people have filed, one by one or at once.
    /// - Throws: `failure_group.not_found`.
    func giveBack(_ id: ID<FailureGroup>, by actor: String, _ scope: ProjectScope) async throws -> Filed {
        let filed = try await database.transaction(.tenant(scope.tenant)) { tx in
            try await scope.lock(in: tx)
            let group = try await groups.get(id, scope, in: tx).id
            let said = try await tx.rows(Self.givingBack(group, by: actor, scope)) { try Said(row: $0) }
            try await SignatureVerdicts().update(said.map(\.signature), scope, in: tx)
            return try await follow(said, in: group, [:], scope, in: tx)
        }
        try await learn(filed, scope)
        return filed
    }

    /// What was said of more signatures than may be learnt at once is learnt piece by piece, so that the project's intake gets in between. What is
    /// missed, since this process ends, `KeepGroups` makes up for.
    private func learn(_ filed: Filed, _ scope: ProjectScope) async throws {
        guard filed.signatures > SignatureLessons.mostAtOnce else { return }
        let upkeep = GroupUpkeepStore(database: database)
        for _ in 0..<Self.maxFiled / SignatureLessons.mostAtOnce {
            guard try await upkeep.catchUpLessons(scope) == SignatureLessons.mostAtOnce else { return }
        }
    }

    /// What was said goes on to the group, and to failures that no rule knows.
    private func follow(
        _ said: [Said], in group: ID<FailureGroup>, _ details: [String: String], _ scope: ProjectScope, in tx: Transaction
    ) async throws -> Filed {
        guard let first = said.first else {
            AuditedCall.changedNothing()
            return Filed()
        }
        let filed = Filed(failures: said.reduce(0) { $0 + $1.failures }, hasMore: first.hasMore, last: first.last, signatures: said.count)
        try await SignatureLessons().update(said.map(\.signature), scope, in: tx)
        try await sums.update([SignatureID(uuid: group.uuid)], recount: [], descriptions: [:], scope, in: tx)
        try await VerdictStore(database: database).publish(said.flatMap(\.environment), scope, in: tx)
        try await tx.audit(group, project: scope.project, details: details.merging(["failures": "\(filed.failures)"]) { own, _ in own })
        return filed
    }

    /// Where the failures of a group, by signature and then the newest first, are gone on with.
    private struct Start {
        let signature: SignatureID
        let result: ID<Result>
    }

    /// - Returns: `nil`, which is the beginning, also for one that the project does not have.
    private func start(after last: ID<Result>?, _ scope: ProjectScope, in tx: Transaction) async throws -> Start? {
        guard let last else { return nil }
        let signature = try await tx.first(
            """
            select signature_id from failures
            where tenant_id = \(scope.tenant) and result_id = \(last) and project_id = \(scope.project) and signature_id is not null
            """
        ) { try $0.signature("signature_id") }
        return signature.map { Start(signature: $0, result: last) }
    }

    /// Failures of one signature.
    private struct Said {
        let signature: SignatureID
        let failures: Int64
        /// Of all signatures together.
        let hasMore: Bool
        /// Those that are said to be the environment's, or were until now.
        let environment: [ID<Result>]
        /// The last of all that were filed.
        let last: ID<Result>?

        init(row: Row) throws {
            signature = try row.signature("signature_id")
            failures = try row.value("failures")
            hasMore = try row.value("has_more")
            environment = try row.value("environment", as: [ID<Result>].self)
            last = try row.value("last_result", as: ID<Result>?.self)
        }
    }

    private static func filing(
        _ group: ID<FailureGroup>, from start: Start?, as word: Word, by actor: String, _ scope: ProjectScope
    ) -> SQL {
        let (category, severity) = (word.category.rawValue, word.severity?.rawValue)
        let isEnvironment = word.category == .environment
        return """
            with found as materialized (
                select f.result_id, f.severity, f.was_environment, s.signature_id
                from (
                    select tenant_id, project_id, signature_id from failure_signatures
                    where tenant_id = \(scope.tenant) and project_id = \(scope.project) and group_id = \(group)
                      and (\(start?.signature.uuid)::uuid is null or signature_id >= \(start?.signature.uuid))
                    order by signature_id
                ) s, lateral (
                    select n.result_id, coalesce(n.judged_severity, n.severity) as severity,
                        n.judged_category is not null and n.category = \(Category.environment.rawValue) as was_environment
                    from failures n
                    where n.tenant_id = s.tenant_id and n.project_id = s.project_id and n.signature_id = s.signature_id and n.trusted
                      and n.result_id < case when s.signature_id = \(start?.signature.uuid)::uuid then \(start?.result)::uuid
                          else 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid end
                      -- Where the machine says the same, the person's word holds whatever rules say later, and teaches.
                      and (n.judged_category is null or n.category <> \(category) or n.severity <> \(severity))
                    order by n.result_id desc
                    limit \(Self.maxFiled + 1)
                ) f
                order by s.signature_id, f.result_id desc
                limit \(Self.maxFiled + 1)
            ),
            reached as materialized (select * from found order by signature_id, result_id desc limit \(Self.maxFiled)),
            -- Under the project's lock, so it is later than all that was said before.
            moment as materialized (select clock_timestamp() as at),
            filed as (
                update failures f
                set judged_category = coalesce(f.judged_category, f.category), judged_severity = coalesce(f.judged_severity, f.severity),
                    category = \(category), severity = coalesce(\(severity), c.severity), verdict_version = f.verdict_version + 1,
                    verdict_at = (select at from moment)
                from reached c
                where f.tenant_id = \(scope.tenant) and f.result_id = c.result_id
                returning f.result_id, f.signature_id, f.verdict_version, f.severity, c.was_environment
            ),
            said as (
                insert into failure_verdicts (
                    tenant_id, result_id, version, project_id, category, severity, own_severity, note, decided_by, decided_at)
                select \(scope.tenant), result_id, verdict_version, \(scope.project), \(category), severity, \(severity ?? ""), \(word.note),
                    \(actor), (select at from moment)
                from filed
            ),
            latest as (
                select signature_id, count(*) as failures, (array_agg(result_id order by result_id desc))[1] as result_id,
                    (array_agg(severity order by result_id desc))[1] as severity,
                    coalesce(array_agg(result_id) filter (where was_environment or \(isEnvironment)), '{}') as environment
                from filed group by signature_id
            )
            update failure_signatures s
            set verdict_category = \(category), verdict_severity = l.severity, verdict_at = (select at from moment), verdict_result = l.result_id
            from latest l
            where s.tenant_id = \(scope.tenant) and s.project_id = \(scope.project) and s.signature_id = l.signature_id
            returning s.signature_id, l.failures, l.environment, (select count(*) from found) > \(Self.maxFiled) as has_more,
                (select result_id from reached order by signature_id desc, result_id limit 1) as last_result
            """
    }

    private static func givingBack(_ group: ID<FailureGroup>, by actor: String, _ scope: ProjectScope) -> SQL {
        """
        with members as materialized (
            select signature_id, verdict_result from failure_signatures
            where tenant_id = \(scope.tenant) and project_id = \(scope.project) and group_id = \(group)
        ),
        -- Those whose word a signature shows go last: before that it has no other to look for.
        found as materialized (
            (select f.result_id, f.was_environment
             from members s, lateral (
                 select n.result_id, n.category = \(Category.environment.rawValue) as was_environment
                 from failures n
                 where n.tenant_id = \(scope.tenant) and n.project_id = \(scope.project) and n.signature_id = s.signature_id
                   and n.judged_category is not null and n.trusted and n.result_id is distinct from s.verdict_result
                 limit \(Self.maxFiled + 1)
             ) f
             limit \(Self.maxFiled + 1))
            union all
            (select n.result_id, n.category = \(Category.environment.rawValue) as was_environment
             from members s, lateral (
                 -- Each by its id, whatever PostgreSQL thinks of the index of words.
                 select f.result_id, f.signature_id, f.category, f.judged_category, f.trusted
                 from failures f
                 where f.tenant_id = \(scope.tenant) and f.result_id = s.verdict_result
                 offset 0
             ) n
             where n.signature_id = s.signature_id and n.judged_category is not null and n.trusted)
            limit \(Self.maxFiled + 1)
        ),
        filed as (
            update failures f
            set category = f.judged_category, severity = f.judged_severity, judged_category = null, judged_severity = null,
                verdict_version = f.verdict_version + 1, verdict_at = null
            from (select * from found limit \(Self.maxFiled)) c
            where f.tenant_id = \(scope.tenant) and f.result_id = c.result_id
            returning f.result_id, f.signature_id, f.verdict_version, c.was_environment
        ),
        said as (
            insert into failure_verdicts (tenant_id, result_id, version, project_id, note, decided_by, decided_at)
            select \(scope.tenant), result_id, verdict_version, \(scope.project), '', \(actor), clock_timestamp()
            from filed
        )
        select signature_id, count(*) as failures, coalesce(array_agg(result_id) filter (where was_environment), '{}') as environment,
            (select count(*) from found) > \(Self.maxFiled) as has_more, null::uuid as last_result
        from filed group by signature_id
        """
    }
}

extension TriageStore.Word {
    fileprivate var details: [String: String] {
        var details = ["category": category.rawValue]
        if let severity { details["severity"] = severity.rawValue }
        return details
    }
}
