import Foundation
import Postgres
import Primitives

/// All SQL that learns from logs. A piece is a handful of statements, whatever is in it.
struct LogIntakeStore: Sendable {
    let database: Database

    /// What the project has kept of a signature, or is about to.
    struct Known: Sendable {
        let signature: SignatureID
        let pattern: SignatureID
        let category: Category?
        /// The project has it, or learns it now: it counts there.
        var isKept = true
        /// Of what is new. What the project has keeps its own.
        var judged: LogJudgement?
    }

    func known(_ ids: [SignatureID], _ scope: ProjectScope) async throws -> [SignatureID: Known] {
        Dictionary(try await database.rows(.tenant(scope.tenant), Self.known(ids, scope)) { try Known(row: $0) }.map { ($0.signature, $0) }) { $1 }
    }

    /// Counts a piece, once.
    /// - Parameter judged: the signatures that were not known a moment ago.
    func record(_ digest: LogDigest, _ judged: [SignatureID: LogJudgement], of piece: LogPiece) async throws {
        try await database.transaction(.tenant(piece.scope.tenant)) { tx in
            // One piece of a project at a time: patterns are a function of all that is known of the project.
            try await piece.scope.lockLogs(in: tx)
            let isNew = try await tx.execute(
                """
                insert into log_pieces (tenant_id, artifact_id, piece, run_id)
                values (\(piece.scope.tenant), \(piece.artifact), \(piece.number), \(piece.run))
                on conflict do nothing
                """)
            guard isNew > 0 else { return }
            let rows = try await tx.rows(Self.known(digest.found.map(\.signature.id), piece.scope)) { try Known(row: $0) }
            var known = Dictionary(rows.map { ($0.signature, $0) }) { $1 }
            let hadRows = try await tx.rows(
                "select signature_id from log_run_signatures where tenant_id = \(piece.scope.tenant) and run_id = \(piece.run)"
            ) { try $0.signature("signature_id") }
            let had = Set(hadRows)
            let taken = Self.taken(digest, had: had)
            // A run teaches nothing but what it keeps itself.
            let new = taken.map(\.signature).filter { known[$0.id] == nil }
            if !new.isEmpty {
                let mined = try await mine(new, besides: rows.map(\.signature), of: piece, in: tx)
                for id in new.map(\.id) {
                    known[id] = Known(
                        signature: id, pattern: mined.patterns[id] ?? id, category: judged[id]?.category, isKept: mined.learnt.contains(id),
                        judged: judged[id])
                }
                try await move(mined.moved, piece.scope, in: tx)
            }
            try await tell(digest, known, digest.found.filter { had.contains($0.signature.id) } + taken, of: piece, in: tx)
            guard piece.isTrusted else { return }
            let kept = digest.found.filter { known[$0.signature.id]?.isKept == true }
            try await count(kept, known, Set(taken.map(\.signature.id)), of: piece, in: tx)
        }
    }

    // MARK: - Learning

    private struct Mined {
        /// Of what is not known yet.
        var patterns: [SignatureID: SignatureID] = [:]
        var learnt: Set<SignatureID> = []
        /// Known ones that are of another pattern now.
        var moved: [SignatureID: SignatureID] = [:]
    }

    /// Looks what new signatures are the same as. Of what is trusted they join the others, as far as there is room.
    /// - Parameter seen: what the piece has of what is known.
    private func mine(_ new: [Signature], besides seen: [SignatureID], of piece: LogPiece, in tx: Transaction) async throws -> Mined {
        var all = try await tx.rows(
            """
            select signature_id, pattern_id, text, first_at from log_signatures
            where tenant_id = \(piece.scope.tenant) and project_id = \(piece.scope.project)
            order by first_at, signature_id
            """
        ) { row in
            (
                id: try row.signature("signature_id"), pattern: try row.signature("pattern_id"), text: try row.value("text", as: String.self),
                firstAt: try row.value("first_at", as: Date.self)
            )
        }
        let wanted = piece.isTrusted ? new.count : 0
        if all.count + wanted > LogBounds.signatures {
            let gone = try await makeRoom(for: all.count + wanted - LogBounds.signatures, besides: seen, of: piece, in: tx)
            all.removeAll { gone.contains($0.id) }
        }
        var index = LogBounds.index
        for known in all {
            let at = known.firstAt.inMilliseconds
            index.insert(KnownSignature(Signature(origin: "", text: known.text), firstSeen: at, lastSeen: at))
        }
        var mined = Mined()
        if wanted > 0 {
            let learnt = new.prefix(min(wanted, max(0, LogBounds.signatures - all.count)))
            mined.learnt = Set(learnt.map(\.id))
            for signature in learnt { index.note(signature, at: piece.startedAt.inMilliseconds) }
        }
        let ids = mined.learnt.union(all.map(\.id))
        for signature in new {
            let group = index.group(of: signature)
            // What fits nowhere is a pattern of its own.
            mined.patterns[signature.id] = ids.contains(group) ? group : signature.id
        }
        for known in all {
            let group = index.group(of: Signature(origin: "", text: known.text))
            if ids.contains(group), group != known.pattern { mined.moved[known.id] = group }
        }
        return mined
    }

    /// Lets go of what is least missed: signatures that no more than one other run has had, those that were seen longest ago first, but for what a
    /// pattern with others is called by, or has a person's word by. What is a pattern alone takes its word along until it comes back.
    /// - Parameter seen: what the piece has again, which stays with all that is known of it.
    private func makeRoom(
        for count: Int, besides seen: [SignatureID], of piece: LogPiece, in tx: Transaction
    ) async throws -> Set<SignatureID> {
        let (tenant, project) = (piece.scope.tenant, piece.scope.project)
        let gone = try await tx.rows(
            """
            delete from log_signatures s
            using (
                select c.signature_id from log_signatures c
                where c.tenant_id = \(tenant) and c.project_id = \(project) and c.runs <= 1 and c.last_run <> \(piece.run)
                  and (c.pattern_id = c.signature_id or not exists (
                      select from log_pattern_verdicts v
                      where v.tenant_id = \(tenant) and v.project_id = \(project) and v.signature_id = c.signature_id))
                  and c.signature_id not in (
                      select pattern_id from log_signatures
                      where tenant_id = \(tenant) and project_id = \(project) and pattern_id <> signature_id
                      union all select unnest(\(seen.map(\.uuid))::uuid[]))
                order by c.last_at, c.signature_id
                limit \(count)
            ) g
            where s.tenant_id = \(tenant) and s.project_id = \(project) and s.signature_id = g.signature_id
            returning s.signature_id
            """
        ) { try $0.signature("signature_id") }
        guard !gone.isEmpty else { return [] }
        try await tx.execute(
            "delete from log_days where tenant_id = \(tenant) and project_id = \(project) and signature_id = any(\(gone.map(\.uuid)))")
        return Set(gone)
    }

    private func move(_ moved: [SignatureID: SignatureID], _ scope: ProjectScope, in tx: Transaction) async throws {
        guard !moved.isEmpty else { return }
        try await tx.execute(
            """
            update log_signatures s set pattern_id = u.pattern
            from unnest(\(moved.keys.map(\.uuid))::uuid[], \(moved.values.map(\.uuid))::uuid[]) as u (signature, pattern)
            where s.tenant_id = \(scope.tenant) and s.project_id = \(scope.project) and s.signature_id = u.signature
            """)
    }

    // MARK: - Counting

    /// What stays when not all can: what says that something is wrong, then the most frequent.
    private static func isToldBefore(_ one: LogDigest.Found, _ other: LogDigest.Found) -> Bool {
        (one.level.isTrouble ? 0 : 1, -one.lines, one.signature.id) < (other.level.isTrouble ? 0 : 1, -other.lines, other.signature.id)
    }

    /// What the run has not had and has room for.
    private static func taken(_ digest: LogDigest, had: Set<SignatureID>) -> [LogDigest.Found] {
        let fresh = digest.found.filter { !had.contains($0.signature.id) }.sorted(by: isToldBefore)
        return Array(fresh.prefix(max(0, LogBounds.signaturesOfRun - had.count)))
    }

    /// Counts for the run.
    /// - Parameter told: what is kept of it.
    private func tell(
        _ digest: LogDigest, _ known: [SignatureID: Known], _ told: [LogDigest.Found], of piece: LogPiece, in tx: Transaction
    ) async throws {
        let (tenant, run) = (piece.scope.tenant, piece.run)
        if !told.isEmpty {
            let patterns = told.map { known[$0.signature.id]?.pattern.uuid ?? $0.signature.id.uuid }
            try await tx.execute(
                """
                insert into log_run_signatures as s (tenant_id, run_id, signature_id, pattern_id, text, level, category, lines, sample)
                select \(tenant), \(run), u.*
                from unnest(
                    \(told.map(\.signature.id.uuid))::uuid[], \(patterns)::uuid[], \(told.map(\.signature.text))::text[],
                    \(told.map(\.level.rawValue))::text[], \(told.map { known[$0.signature.id]?.category?.rawValue })::text[],
                    \(told.map(\.lines))::bigint[], \(told.map(\.sample))::text[]) as u
                on conflict on constraint log_run_signatures_pkey do update set lines = s.lines + excluded.lines
                """)
        }
        // Of what says nothing there is nothing to be kept, so that it is not missing.
        let others = digest.lines - digest.wordless - told.reduce(0) { $0 + $1.lines }
        try await tx.execute(
            """
            insert into log_runs as r (
                tenant_id, run_id, project_id, trusted, branch, started_at, logs, lines, other_lines, cut_logs, unreadable_logs)
            values (
                \(tenant), \(run), \(piece.scope.project), \(piece.isTrusted), \(piece.branch), \(piece.startedAt), \(piece.isLast ? 1 : 0),
                \(digest.lines), \(others), \(piece.isCut ? 1 : 0), \(piece.isUnreadable ? 1 : 0))
            on conflict on constraint log_runs_pkey do update set logs = r.logs + excluded.logs, lines = r.lines + excluded.lines,
                other_lines = r.other_lines + excluded.other_lines, cut_logs = r.cut_logs + excluded.cut_logs,
                unreadable_logs = r.unreadable_logs + excluded.unreadable_logs
            """)
    }

    /// Counts for the project.
    /// - Parameter new: signatures that the run had not had.
    private func count(
        _ found: [LogDigest.Found], _ known: [SignatureID: Known], _ new: Set<SignatureID>, of piece: LogPiece, in tx: Transaction
    ) async throws {
        guard !found.isEmpty else { return }
        let (tenant, project, at) = (piece.scope.tenant, piece.scope.project, piece.startedAt)
        let ids = found.map(\.signature.id.uuid)
        let judged = found.map { known[$0.signature.id]?.judged }
        let rules = judged.map { $0?.judgement }
        try await tx.execute(
            """
            insert into log_signatures as s (
                tenant_id, project_id, signature_id, pattern_id, text, level, category, lines, runs, sample, rule, severity, evidence, rules_edition,
                project_rules_edition, input_hash, judged_at, first_at, last_at, last_run)
            select \(tenant), \(project), u.*, case when u.hash is null then null else now() end, \(at)::timestamptz, \(at)::timestamptz,
                \(piece.run)::uuid
            from unnest(
                \(ids)::uuid[], \(found.map { known[$0.signature.id]?.pattern.uuid ?? $0.signature.id.uuid })::uuid[],
                \(found.map(\.signature.text))::text[], \(found.map(\.level.rawValue))::text[],
                \(found.map { known[$0.signature.id]?.category?.rawValue })::text[], \(found.map(\.lines))::bigint[],
                \(found.map { new.contains($0.signature.id) ? Int64(1) : 0 })::bigint[], \(found.map(\.sample))::text[],
                \(rules.map { $0?.rule })::text[], \(rules.map { $0?.severity.rawValue })::text[], \(rules.map { $0?.evidence })::text[],
                \(judged.map { $0?.edition.builtIn })::integer[], \(judged.map { $0?.edition.project })::bigint[],
                \(judged.map { $0?.hash })::bytea[]
            ) as u (id, pattern, text, level, category, lines, runs, sample, rule, severity, evidence, built_in, edition, hash)
            on conflict on constraint log_signatures_pkey do update set lines = s.lines + excluded.lines, runs = s.runs + excluded.runs,
                first_at = least(s.first_at, excluded.first_at), last_at = greatest(s.last_at, excluded.last_at),
                last_run = case when excluded.last_at >= s.last_at then excluded.last_run else s.last_run end
            """)
        try await tx.execute(
            """
            insert into log_days as d (tenant_id, project_id, signature_id, day, lines)
            select \(tenant), \(project), u.id, (\(at)::timestamptz at time zone 'utc')::date, u.lines
            from unnest(\(ids)::uuid[], \(found.map(\.lines))::bigint[]) as u (id, lines)
            on conflict on constraint log_days_pkey do update set lines = d.lines + excluded.lines
            """)
    }

    private static func known(_ ids: [SignatureID], _ scope: ProjectScope) -> SQL {
        """
        select signature_id, pattern_id, category from log_signatures
        where tenant_id = \(scope.tenant) and project_id = \(scope.project) and signature_id = any(\(ids.map(\.uuid)))
        """
    }
}

extension LogIntakeStore.Known {
    fileprivate init(row: Row) throws {
        signature = try row.signature("signature_id")
        pattern = try row.signature("pattern_id")
        category = try row.value("category", as: String?.self).map { try stored($0) }
    }
}

extension ProjectScope {
    /// Whoever writes signatures of logs holds it until the transaction ends.
    func lockLogs(in tx: Transaction) async throws {
        try await tx.execute("select pg_advisory_xact_lock(hashtextextended('log_patterns/' || \(project.description), 0))")
    }
}

extension Date {
    fileprivate var inMilliseconds: Int64 { Int64((timeIntervalSince1970 * 1000).rounded()) }
}
