import Foundation
import Postgres
import Primitives

/// All SQL that makes lessons of what people say. A lesson is a function of the words that stand on a signature's failures (`SignatureVerdicts`), so saying something
/// and taking it back leaves what was before, in an edition of its own.
struct SignatureLessons: Sendable {
    private struct Change {
        let signature: SignatureID
        let hasLesson: Bool
        let hasWord: Bool
    }

    /// At once, so that a project's intake never waits long.
    static let mostAtOnce = 200

    /// After a person has judged a failure, or taken that back, and the signature's word has been found. In a transaction that holds the project's lock
    /// (`ProjectScope.lock`). Signatures that stand for the rest of their bucket have no words of their own, and teach nothing.
    ///
    /// Who says what is known already changes nothing, as long as the failure that it was said of keeps its word, and it is one of the lessons that are
    /// remembered (`Lessons.most`).
    func update(of result: ID<Result>, _ scope: ProjectScope, in tx: Transaction) async throws {
        let said: SQL = "select signature_id from failures where tenant_id = \(scope.tenant) and result_id = \(result) and trusted"
        for change in try await changes(of: said, or: Self.isForgotten(scope), scope, in: tx) { try await write(change, scope, in: tx) }
    }

    /// The same for signatures, after all failures of a group have been judged at once. What is beyond `mostAtOnce` is caught up with (`catchUp`).
    func update(_ signatures: [SignatureID], _ scope: ProjectScope, in tx: Transaction) async throws {
        let said: SQL = "select unnest(\(signatures.map(\.uuid))::uuid[]) as signature_id"
        for change in try await changes(of: said, or: Self.isForgotten(scope), scope, in: tx) { try await write(change, scope, in: tx) }
    }

    private static func isForgotten(_ scope: ProjectScope) -> SQL {
        """
        l.since_edition < (
            select n.since_edition from lessons n
            where n.tenant_id = \(scope.tenant) and n.project_id = \(scope.project) and n.until_edition is null
            order by n.since_edition desc
            offset \(Lessons.most - 1) limit 1)
        """
    }

    /// What was said, or taken back, of more signatures than `mostAtOnce`, or at a replica of a release without lessons: it keeps the words of signatures
    /// and knows nothing of what they teach.
    /// - Returns: how many lessons have begun or ended; `mostAtOnce` when there may be more.
    func catchUp(_ scope: ProjectScope, in tx: Transaction) async throws -> Int {
        let known: SQL = """
            select signature_id from failure_signatures
            where tenant_id = \(scope.tenant) and project_id = \(scope.project) and verdict_at is not null
            union
            select signature_id from lessons where tenant_id = \(scope.tenant) and project_id = \(scope.project) and until_edition is null
            """
        let changes = try await changes(of: known, or: "false", scope, in: tx)
        for change in changes { try await write(change, scope, in: tx) }
        return changes.count
    }

    /// Signatures whose lesson is not what their word says.
    private func changes(of signatures: SQL, or other: SQL, _ scope: ProjectScope, in tx: Transaction) async throws -> [Change] {
        try await tx.rows(
            """
            select k.signature_id, l.since_edition is not null as has_lesson, v.version is not null as has_word
            from (\(fragment: signatures)) k
            left join failure_signatures s on s.tenant_id = \(scope.tenant) and s.project_id = \(scope.project) and s.signature_id = k.signature_id
                and s.is_mined
            left join failures f on f.tenant_id = s.tenant_id and f.result_id = s.verdict_result
            left join failure_verdicts v on v.tenant_id = f.tenant_id and v.result_id = f.result_id and v.version = f.verdict_version
                and v.category is not null
            left join lessons l on l.tenant_id = \(scope.tenant) and l.project_id = \(scope.project) and l.signature_id = k.signature_id
                and l.until_edition is null
            left join failures o on o.tenant_id = l.tenant_id and o.result_id = l.result_id
            where (l.category, l.severity) is distinct from (v.category, \(fragment: VerdictStore.ownSeverity))
               or (l.since_edition is not null and (o.judged_category is null or \(fragment: other)))
            order by v.decided_at, k.signature_id
            limit \(Self.mostAtOnce)
            """
        ) { Change(signature: try $0.signature("signature_id"), hasLesson: try $0.value("has_lesson"), hasWord: try $0.value("has_word")) }
    }

    private func write(_ changed: Change, _ scope: ProjectScope, in tx: Transaction) async throws {
        let edition = try await tx.one(
            """
            insert into rulebooks as r (tenant_id, project_id, edition, lessons_edition) values (\(scope.tenant), \(scope.project), 0, 1)
            on conflict on constraint rulebooks_pkey do update set lessons_edition = r.lessons_edition + 1
            returning lessons_edition
            """
        ) { try $0.value("lessons_edition", as: Int64.self) }
        if changed.hasLesson {
            try await tx.execute(
                """
                update lessons set until_edition = \(edition)
                where tenant_id = \(scope.tenant) and project_id = \(scope.project) and signature_id = \(changed.signature.uuid) and until_edition is null
                """)
        }
        guard changed.hasWord else { return }
        try await tx.execute(
            """
            insert into lessons (
                tenant_id, project_id, since_edition, signature_id, origin, text, category, severity, result_id, verdict_version, decided_by, decided_at)
            select s.tenant_id, s.project_id, \(edition), s.signature_id, s.origin, s.text, v.category, \(fragment: VerdictStore.ownSeverity),
                v.result_id, v.version, v.decided_by, v.decided_at
            from failure_signatures s
            join failures f on f.tenant_id = s.tenant_id and f.result_id = s.verdict_result
            join failure_verdicts v on v.tenant_id = f.tenant_id and v.result_id = f.result_id and v.version = f.verdict_version
            where s.tenant_id = \(scope.tenant) and s.project_id = \(scope.project) and s.signature_id = \(changed.signature.uuid)
            """)
    }
}
