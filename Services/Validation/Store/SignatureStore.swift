import Foundation
import Postgres
import Primitives

/// All SQL that learns from failures: signatures, what is counted of them, and which group each is in.
struct SignatureStore: Sendable {
    let mining = MiningStore()
    let sums = GroupSums()

    /// What must be known of a signature before a batch is added to it.
    struct Known {
        let group: SignatureID
        let firstAt: Date
        let isMined: Bool
        let resolution: Resolution?
        /// When the earliest failure that contradicts it began, as far as heard of.
        let regressedAt: Date?
    }

    /// Counts the failures of a batch that are new, in the transaction that files them. One batch of a project at a time: groups are a function of all
    /// that is known of the project.
    func record(_ batch: FailureBatch, new: Set<ID<Result>>, tenant: ID<Tenant>, in tx: Transaction) async throws {
        let scope = ProjectScope(tenant: tenant, project: batch.project)
        try await scope.lock(in: tx)
        var tallies = batch.tallies(of: new)
        var known = try await known(tallies.map(\.id), scope, in: tx)
        // A signature that is new, or turns out to have failed earlier, may change what the groups of its bucket are and are called.
        let learnt = tallies.filter { tally in known[tally.id].map { $0.isMined && batch.startedAt < $0.firstAt } ?? true }
        var neighbourhood: Neighbourhood?
        if !learnt.isEmpty {
            var found = try await mining.neighbourhood(of: Set(learnt.map(\.bucket)), naming: learnt.map(\.id), scope, in: tx)
            let room = GroupingIndex.maxSignatures - (try await mining.count(scope, in: tx))
            let moved = found.learn(learnt, at: batch.startedAt, room: room)
            if !moved.isEmpty {
                try await move(moved, of: new, tenant, in: tx)
                tallies = tallies.map { tally in
                    var tally = tally
                    if let target = moved[tally.id] { tally.move(to: target) }
                    return tally
                }.joined()
                known.merge(try await self.known(Array(moved.values), scope, in: tx)) { own, _ in own }
            }
            neighbourhood = found
        }
        let contradicted = try await contradicted(known, batch, scope, in: tx)
        let groups = tallies.map { neighbourhood?.groups[$0.id] ?? known[$0.id]?.group ?? $0.id }
        try await add(tallies, groups, contradicted, batch, scope, in: tx)
        let widened = try await addTests(tallies, batch, scope, in: tx)
        try await tx.pipeline([hours(tallies, batch, scope), branches(tallies, batch, scope)])
        var touched = Set(groups)
        var recount = Set(zip(tallies, groups).filter { widened.contains($0.0.id) }.map(\.1))
        if let neighbourhood {
            let changed = try await mining.assign(neighbourhood, scope, in: tx)
            touched.formUnion(changed)
            recount.formUnion(changed)
        }
        var descriptions = neighbourhood?.descriptions(of: touched) ?? [:]
        for tally in tallies where !tally.isMined { descriptions[tally.id] = GroupDescription([(tally.origin, tally.text)]) }
        let owned = Set(zip(tallies, groups).filter(\.0.namesOwners).map(\.1))
        try await sums.update(touched, recount: recount, owned: owned, descriptions: descriptions, scope, in: tx)
    }

    /// Of failures that nothing is learnt from: those whose signatures are not known name the signature they fit in, if there is one.
    func fit(_ batch: FailureBatch, new: Set<ID<Result>>, tenant: ID<Tenant>, in tx: Transaction) async throws {
        let scope = ProjectScope(tenant: tenant, project: batch.project)
        let tallies = batch.tallies(of: new)
        let known = try await known(tallies.map(\.id), scope, in: tx)
        let unknown = tallies.filter { known[$0.id] == nil }
        guard !unknown.isEmpty else { return }
        let neighbourhood = try await mining.neighbourhood(of: Set(unknown.map(\.bucket)), naming: [], scope, in: tx)
        var index = neighbourhood.index()
        var moved: [SignatureID: SignatureID] = [:]
        for tally in unknown {
            let group = index.group(of: Signature(origin: tally.origin, text: tally.text))
            if group != tally.bucket { moved[tally.id] = group }
        }
        if !moved.isEmpty { try await move(moved, of: new, tenant, in: tx) }
    }

    private func known(_ ids: [SignatureID], _ scope: ProjectScope, in tx: Transaction) async throws -> [SignatureID: Known] {
        let rows = try await tx.rows(
            """
            select signature_id, group_id, first_at, is_mined, resolved_at, resolved_by, resolved_branch, resolved_commit, absent_runs, absent_days,
                absent_runs_needed, absent_days_needed, absent_elsewhere, regressed_at
            from failure_signatures
            where tenant_id = \(scope.tenant) and project_id = \(scope.project) and signature_id = any(\(ids.map(\.uuid)))
            """
        ) { row in
            (
                try row.signature("signature_id"),
                Known(
                    group: try row.signature("group_id"), firstAt: try row.value("first_at"), isMined: try row.value("is_mined"),
                    resolution: try Resolution(row: row), regressedAt: try row.value("regressed_at"))
            )
        }
        return Dictionary(rows) { first, _ in first }
    }

    /// The signatures whose resolution this batch proves wrong, and since when its commit runs, which is why. Reports come late, so one that began before what
    /// is known to contradict is looked at too: the earliest counts.
    private func contradicted(
        _ known: [SignatureID: Known], _ batch: FailureBatch, _ scope: ProjectScope, in tx: Transaction
    ) async throws -> (signatures: Set<SignatureID>, since: Date) {
        let standing = known.filter { $0.value.regressedAt.map { batch.startedAt <= $0 } ?? true }.compactMapValues(\.resolution)
        guard !standing.isEmpty else { return ([], batch.startedAt) }
        var since = batch.startedAt
        if !batch.commit.isEmpty {
            let first = try await tx.one(
                """
                select min(started_at) as at from validations
                where tenant_id = \(scope.tenant) and project_id = \(scope.project) and lane = 'trusted' and commit_sha = \(batch.commit)
                """
            ) { try $0.value("at", as: Date?.self) }
            if let first { since = min(since, first) }
        }
        let sighting = batch.sighting(of: batch.failures[0].result.result)
        return (Set(standing.filter { $0.value.isContradicted(by: sighting, commitSince: since) }.keys), since)
    }

    private func move(_ moved: [SignatureID: SignatureID], of new: Set<ID<Result>>, _ tenant: ID<Tenant>, in tx: Transaction) async throws {
        let pairs = moved.map { ($0.key.uuid, $0.value.uuid) }
        try await tx.execute(
            """
            update failures f set signature_id = u.target, signed_as = u.own
            from unnest(\(pairs.map(\.0))::uuid[], \(pairs.map(\.1))::uuid[]) as u (own, target)
            where f.tenant_id = \(tenant) and f.result_id = any(\(Array(new))) and f.signature_id = u.own
            """)
    }
}

/// Within which project groups are looked for.
struct ProjectScope: Sendable {
    let tenant: ID<Tenant>
    let project: ID<Project>

    /// Held until the transaction ends.
    func lock(in tx: Transaction) async throws {
        try await tx.execute("select pg_advisory_xact_lock(hashtextextended('failure_groups/' || \(project.description), 0))")
    }
}

extension Row {
    func signature(_ column: String) throws -> SignatureID { SignatureID(uuid: try value(column, as: UUID.self)) }
}

extension Resolution {
    /// `nil` where nothing was resolved.
    init?(row: Row) throws {
        guard let at = try row.value("resolved_at", as: Date?.self) else { return nil }
        self.init(
            at: at, by: try row.value("resolved_by"), branch: try row.value("resolved_branch"), commit: try row.value("resolved_commit"))
        guard let runs = try row.value("absent_runs", as: Int32?.self) else { return }
        absence = Absence.Proof(
            runs: runs, days: try row.value("absent_days"), neededRuns: try row.value("absent_runs_needed"),
            neededDays: try row.value("absent_days_needed"), isElsewhere: try row.value("absent_elsewhere", as: Bool?.self) ?? false)
    }
}
