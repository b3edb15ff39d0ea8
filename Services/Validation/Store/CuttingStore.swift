import Foundation
import Jobs
import Postgres
import Primitives

/// All SQL that carries a cut to the failures that were there before it.
///
/// A page of them is counted for what they are now, as a batch of each run would have been, and taken off what they were. Sums can be taken off; what is a
/// minimum or a maximum cannot, so those that stay are counted once more, beside, under the id of the cut (`beside`): a signature that is in no group, and takes
/// part in nothing. When all have been looked at, it says when the signature was seen first and last, where, by which tests, and is gone. Where failures were
/// delivered meanwhile that are older than what had been looked at, all are looked at again.
struct CuttingStore: Sendable {
    /// Times that all failures are looked at. What is still delivered late then does not move what was seen first and last.
    static let maxPasses: Int32 = 3

    let database: Database
    let jobs: JobQueue
    let signatures = SignatureStore()
    let verdicts = SignatureVerdicts()
    let lessons = SignatureLessons()

    /// A cut that is being carried out.
    struct Work {
        let cut: Cut
        let countedSince: Date
        let after: ID<Result>?
        let pass: Int32

        /// What stays is counted under it meanwhile. Ids of signatures are UUIDs of another version, so it is none of theirs.
        var beside: SignatureID { SignatureID(uuid: cut.id.uuid) }
    }

    /// Looks at the next failures and moves those that it takes, in one transaction.
    /// - Parameter continuing: the job goes on in another one after this page.
    /// - Returns: whether there are more.
    func step(_ id: ID<GroupingDecision>, limit: Int, continuing: Bool, _ scope: ProjectScope) async throws -> Bool {
        try await database.transaction(.tenant(scope.tenant)) { tx in
            try await scope.lock(in: tx)
            let cuts = try await signatures.cuts.all(scope, in: tx)
            guard let work = try await unfinished(id, cuts, scope, in: tx) else { return false }
            let page = CutPage(try await rows(work, limit: limit, scope, in: tx), by: cuts)
            let end = try await carryOut(page, work, cuts, isLast: page.count < limit, scope, in: tx)
            let (isDone, isAgain) = (end == .done, end == .again)
            try await tx.execute(
                """
                update signature_cut_progress
                set done = case when \(isAgain) then 0 else done + \(Int64(page.count)) end, moved = moved + \(Int64(page.movedCount)),
                    without_texts = case when \(isAgain) then 0 else without_texts + \(Int64(page.withoutTexts)) end,
                    after_result = case when \(isAgain) then null else coalesce(\(page.last), after_result) end,
                    passes = case when \(isAgain) then passes + 1 else passes end,
                    state = \((isDone ? CutProgress.State.done : .running).rawValue), finished_at = case when \(isDone) then now() end
                where tenant_id = \(scope.tenant) and project_id = \(scope.project) and cut_id = \(id)
                """)
            if continuing, !isDone {
                try await jobs.enqueue(
                    CutSignature.Payload(project: scope.project, cut: id, after: page.last), tenant: scope.tenant, in: tx)
            }
            return !isDone
        }
    }

    /// What comes after a page.
    private enum End { case more, again, done }

    /// - Returns: `nil` when it has been carried out.
    private func unfinished(_ id: ID<GroupingDecision>, _ cuts: Cuts, _ scope: ProjectScope, in tx: Transaction) async throws -> Work? {
        let found = try await tx.first(
            """
            select c.signature_id, least(p.counted_since, s.first_at) as counted_since, p.after_result, p.passes
            from signature_cut_progress p
            join signature_cuts c on c.tenant_id = p.tenant_id and c.project_id = p.project_id and c.id = p.cut_id
            left join failure_signatures s on s.tenant_id = c.tenant_id and s.project_id = c.project_id and s.signature_id = c.signature_id
            where p.tenant_id = \(scope.tenant) and p.project_id = \(scope.project) and p.cut_id = \(id) and p.finished_at is null
            """
        ) { row in
            (
                signature: try row.signature("signature_id"), since: try row.value("counted_since", as: Date.self),
                after: try row.value("after_result", as: ID<Result>?.self), pass: try row.value("passes", as: Int32.self)
            )
        }
        guard let found, let cut = cuts[found.signature].first(where: { $0.id == id }) else { return nil }
        return Work(cut: cut, countedSince: found.since, after: found.after, pass: found.pass)
    }

    /// The next failures, oldest first.
    private func rows(_ work: Work, limit: Int, _ scope: ProjectScope, in tx: Transaction) async throws -> [CutPage.Candidate] {
        try await tx.rows(
            """
            select f.result_id, f.test_id, f.class_name, f.test_name, f.outcome, coalesce(f.judged_category, f.category) as category,
                coalesce(f.judged_severity, f.severity) as severity, f.rule, f.evidence, f.message, f.judged_category is not null as has_word,
                f.run_id, v.branch, v.commit_sha, v.environment, v.started_at, s.hash, \(fragment: SymptomStore.columns)
            from failures f
            join validations v on v.tenant_id = f.tenant_id and v.run_id = f.run_id
            left join symptoms s on s.tenant_id = f.tenant_id and s.hash = f.symptoms_hash
            where f.tenant_id = \(scope.tenant) and f.project_id = \(scope.project) and f.signature_id = \(work.cut.signature.id.uuid) and f.trusted
              and f.result_id > coalesce(\(work.after)::uuid, '00000000-0000-0000-0000-000000000000')
            order by f.result_id
            limit \(limit)
            """
        ) { try CutPage.Candidate(row: $0, of: work, in: scope.project) }
    }

    private func carryOut(
        _ page: CutPage, _ work: Work, _ cuts: Cuts, isLast: Bool, _ scope: ProjectScope, in tx: Transaction
    ) async throws -> End {
        let own = work.cut.signature.id
        try await signatures.assign(page.uncounted, scope, in: tx)
        guard let stored = try await signatures.known([own], scope, in: tx)[own] else {
            // A replica of an earlier release has forgotten it: nothing is counted any more.
            for batch in page.moved {
                let all = Set(batch.failures.map(\.result.result))
                try await signatures.assign(batch.cut(by: cuts)?.changes(from: batch, all, [:]) ?? [], scope, in: tx)
            }
            if isLast { try await clear(work, scope, in: tx) }
            return isLast ? .done : .more
        }
        // Whoever resolves what is left after the cut does not mean what was taken out.
        let told = stored.resolution.flatMap { $0.at <= work.cut.decidedAt ? $0 : nil }
        var counted = SignatureStore.Counted(touched: [stored.group])
        // What is taken out may come to stand behind the place that a job has reached which joins tests there (`JoiningStore`), so it is joined here.
        let moved = try await signatures.aliases.resolve(page.moved, scope, in: tx)
        for batch in moved {
            let one = try await signatures.count(batch, Set(batch.failures.map(\.result.result)), cuts: cuts, told: told, scope, in: tx)
            counted.signatures.formUnion(one.signatures)
            counted.unstored.formUnion(one.unstored)
            counted.touched.formUnion(one.touched)
            counted.descriptions.merge(one.descriptions) { $1 }
        }
        try await countBeside(page.staying, work, stored, scope, in: tx)
        if !moved.isEmpty {
            try await inherit(counted, from: work.cut, moved, scope, in: tx)
            try await takeOff(moved, own, scope, in: tx)
        }
        if page.movesWords {
            let touched = [own] + counted.signatures
            try await verdicts.find(touched, scope, in: tx)
            try await lessons.update(touched, scope, in: tx)
        }
        var end = isLast ? End.done : .more
        // What older cuts leave is left to the newest, which looks at all that they look at, or has done so.
        if isLast, cuts[own].last?.id == work.cut.id {
            let isWhole = try await isComplete(work, scope, in: tx)
            if isWhole || work.pass == Self.maxPasses {
                let neighbourhood = try await settle(work, isComplete: isWhole, scope, in: tx)
                counted.touched.formUnion(try await signatures.mining.assign(neighbourhood, scope, in: tx))
                counted.descriptions.merge(neighbourhood.descriptions(of: counted.touched)) { $1 }
            } else {
                end = .again
            }
        }
        if isLast { try await clear(work, scope, in: tx) }
        if isLast || !page.moved.isEmpty {
            try await signatures.sums.update(
                counted.touched, recount: counted.touched, descriptions: counted.descriptions, scope, in: tx)
        }
        return end
    }

    private func countBeside(
        _ staying: [FailureBatch], _ work: Work, _ stored: SignatureStore.Known, _ scope: ProjectScope, in tx: Transaction
    ) async throws {
        let beside = work.beside
        let known = SignatureStore.Known(
            group: beside, firstAt: stored.firstAt, isMined: false, resolution: stored.resolution, regressedAt: nil, isCut: false)
        for batch in staying {
            let tallies = batch.tallies(of: Set(batch.failures.map(\.result.result))).map { tally in
                var tally = tally
                (tally.id, tally.bucket, tally.isMined) = (beside, beside, false)
                return tally
            }
            let contradicted = try await signatures.contradicted([beside: known], batch, scope, in: tx)
            try await signatures.add(tallies, [beside], contradicted, batch, scope, in: tx)
            _ = try await signatures.addTests(tallies, batch, scope, in: tx)
            try await tx.pipeline([signatures.hours(tallies, batch, scope), signatures.branches(tallies, batch, scope)])
        }
    }
}

extension CutPage.Candidate {
    fileprivate init(row: Row, of work: CuttingStore.Work, in project: ID<Project>) throws {
        let hasTexts = try row.value("hash", as: Data?.self) != nil
        let symptoms = try hasTexts ? Symptoms(row: row) : Symptoms(message: row.value("message"))
        let result = FailedResult(
            result: try row.value("result_id"), test: try row.value("test_id"), className: try row.value("class_name"),
            name: try row.value("test_name"), outcome: try stored(row.value("outcome")), symptoms: symptoms)
        let judgement = Judgement(
            category: try stored(row.value("category")), severity: try stored(row.value("severity")), rule: try row.value("rule"),
            evidence: try row.value("evidence"))
        let startedAt = try row.value("started_at", as: Date?.self) ?? .distantPast
        self.init(
            batch: FailureBatch(
                run: try row.value("run_id"), project: project, lane: .trusted, branch: try row.value("branch"), commit: try row.value("commit_sha"),
                environment: try row.value("environment"), startedAt: startedAt,
                failures: [FiledFailure(result: result, judgement: judgement, signature: work.cut.signature)]),
            hasTexts: hasTexts, hasWord: try row.value("has_word"), isCounted: startedAt >= work.countedSince)
    }
}
