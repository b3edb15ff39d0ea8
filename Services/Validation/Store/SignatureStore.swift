import Foundation
import Postgres
import Primitives

/// All SQL that learns from failures: signatures, what is counted of them, and which group each is in.
struct SignatureStore: Sendable {
    let mining = MiningStore()
    let sums = GroupSums()
    let cuts = CutStore()
    let aliases = AliasStore()

    /// What must be known of a signature before a batch is added to it.
    struct Known {
        let group: SignatureID
        let firstAt: Date
        let isMined: Bool
        let resolution: Resolution?
        /// When the earliest failure that contradicts it began, as far as heard of.
        let regressedAt: Date?
        /// A person takes some of its failures for something else (`Cut`).
        let isCut: Bool
    }

    /// What has been counted, and which groups have to be made again for it.
    struct Counted {
        var signatures: Set<SignatureID> = []
        /// Those of them that were not stored before.
        var unstored: Set<SignatureID> = []
        var touched: Set<SignatureID> = []
        /// Those in which the tests may have changed, and those of whose tests it was said whose they are.
        var recount: Set<SignatureID> = []
        var owned: Set<SignatureID> = []
        var descriptions: [SignatureID: GroupDescription] = [:]
    }

    /// What the failures of a batch count for. Nothing is written yet.
    private struct Placed {
        /// As people have cut them.
        let batch: FailureBatch
        /// Before those are moved that found no room.
        let tallies: [SignatureTally]
        let known: [SignatureID: Known]
        var neighbourhood: Neighbourhood?
        var moved: [SignatureID: SignatureID] = [:]
    }

    /// Counts the failures of a batch that are new, in the transaction that files them. One batch of a project at a time: groups are a function of all
    /// that is known of the project.
    func record(_ batch: FailureBatch, new: Set<ID<Result>>, tenant: ID<Tenant>, in tx: Transaction) async throws {
        let scope = ProjectScope(tenant: tenant, project: batch.project)
        let resolved = try await aliases.resolve(batch, new, scope, in: tx)
        let counted = try await count(resolved, new, scope, in: tx)
        try await sums.update(
            counted.touched, recount: counted.recount, owned: counted.owned, descriptions: counted.descriptions, scope, in: tx)
    }

    /// Counts failures into their signatures. The rows of groups are left to the caller, who holds the project's lock.
    /// - Parameters:
    ///   - cuts: the project's, where they are known already.
    ///   - told: what was said of the signature that the failures counted for until now; holds for what has no word of its own.
    func count(
        _ batch: FailureBatch, _ new: Set<ID<Result>>, cuts: Cuts? = nil, told: Resolution? = nil, _ scope: ProjectScope, in tx: Transaction
    ) async throws -> Counted {
        let placed = try await place(batch, new, cuts, scope, in: tx)
        try await assign(placed.batch.changes(from: batch, new, placed.moved), scope, in: tx)
        var (tallies, known) = (placed.tallies, placed.known)
        if !placed.moved.isEmpty {
            tallies = tallies.map { tally in
                var tally = tally
                if let target = placed.moved[tally.id] { tally.move(to: target) }
                return tally
            }.joined()
            known.merge(try await self.known(Array(placed.moved.values), scope, in: tx)) { own, _ in own }
        }
        let groups = tallies.map { placed.neighbourhood?.groups[$0.id] ?? known[$0.id]?.group ?? $0.id }
        let unstored = Set(tallies.map(\.id).filter { known[$0] == nil })
        if let told {
            for (tally, group) in zip(tallies, groups) where known[tally.id]?.resolution == nil {
                known[tally.id] = Known(
                    group: group, firstAt: batch.startedAt, isMined: tally.isMined, resolution: told, regressedAt: known[tally.id]?.regressedAt,
                    isCut: false)
            }
        }
        let contradicted = try await contradicted(known, batch, scope, in: tx)
        try await add(tallies, groups, contradicted, batch, scope, in: tx)
        let widened = try await addTests(tallies, batch, scope, in: tx)
        try await tx.pipeline([hours(tallies, batch, scope), branches(tallies, batch, scope)])
        var counted = Counted(signatures: Set(tallies.map(\.id)), unstored: unstored, touched: Set(groups))
        counted.recount = Set(zip(tallies, groups).filter { widened.contains($0.0.id) }.map(\.1))
        if let neighbourhood = placed.neighbourhood {
            let changed = try await mining.assign(neighbourhood, scope, in: tx)
            counted.touched.formUnion(changed)
            counted.recount.formUnion(changed)
        }
        counted.descriptions = placed.neighbourhood?.descriptions(of: counted.touched) ?? [:]
        for tally in tallies where !tally.isMined { counted.descriptions[tally.id] = GroupDescription([(tally.origin, tally.text)]) }
        counted.owned = Set(zip(tallies, groups).filter(\.0.namesOwners).map(\.1))
        return counted
    }

    /// Finds what each failure counts for: what it was signed as, what a person's cut makes of that, or, where that finds no room, what it fits in, which may
    /// be cut as well. Then the failure is looked at again as what that makes of it.
    private func place(
        _ signed: FailureBatch, _ new: Set<ID<Result>>, _ given: Cuts?, _ scope: ProjectScope, in tx: Transaction
    ) async throws -> Placed {
        var (batch, cuts) = (signed, given)
        while true {
            let tallies = batch.tallies(of: new)
            let known = try await known(tallies.map(\.id), scope, in: tx)
            // Of a signature that is not stored (any more) it is not known whether it is cut.
            if cuts == nil, tallies.contains(where: { known[$0.id]?.isCut ?? true }) { cuts = try await self.cuts.all(scope, in: tx) }
            if let cut = cuts.flatMap({ batch.cut(by: $0) }) {
                batch = cut
                continue
            }
            // A signature that is new, or turns out to have failed earlier, may change what the groups of its bucket are and are called.
            let learnt = tallies.filter { tally in known[tally.id].map { $0.isMined && batch.startedAt < $0.firstAt } ?? true }
            guard !learnt.isEmpty else { return Placed(batch: batch, tallies: tallies, known: known) }
            var found = try await mining.neighbourhood(of: Set(learnt.map(\.bucket)), naming: learnt.map(\.id), scope, in: tx)
            let room = GroupingIndex.maxSignatures - (try await mining.count(scope, in: tx))
            let moved = found.learn(learnt, at: batch.startedAt, room: room)
            if !moved.isEmpty, let cut = cuts.flatMap({ batch.cut(by: $0, countingFor: moved) }) {
                batch = cut
                continue
            }
            return Placed(batch: batch, tallies: tallies, known: known, neighbourhood: found, moved: moved)
        }
    }

    /// Of failures that nothing is learnt from: those whose signatures are not known name the signature they fit in, if there is one.
    func fit(_ batch: FailureBatch, new: Set<ID<Result>>, tenant: ID<Tenant>, in tx: Transaction) async throws {
        let scope = ProjectScope(tenant: tenant, project: batch.project)
        var placed = batch
        var tallies = batch.tallies(of: new)
        var known = try await known(tallies.map(\.id), scope, in: tx)
        guard tallies.contains(where: { known[$0.id]?.isCut ?? true }) else { return }
        let cuts = try await self.cuts.all(scope, in: tx)
        if let cut = batch.cut(by: cuts) {
            placed = cut
            tallies = cut.tallies(of: new)
            known = try await self.known(tallies.map(\.id), scope, in: tx)
        }
        let unknown = tallies.filter { known[$0.id] == nil }
        var moved: [SignatureID: SignatureID] = [:]
        if !unknown.isEmpty {
            let neighbourhood = try await mining.neighbourhood(of: Set(unknown.map(\.bucket)), naming: [], scope, in: tx)
            var index = neighbourhood.index()
            for tally in unknown {
                let group = index.group(of: Signature(origin: tally.origin, text: tally.text))
                if group != tally.bucket { moved[tally.id] = group }
            }
        }
        if let cut = placed.cut(by: cuts, countingFor: moved) { placed = cut }
        try await assign(placed.changes(from: batch, new, moved), scope, in: tx)
    }

    /// Those that are stored. Whether any is cut is found by one look at the project's cuts, which are few.
    func known(_ ids: [SignatureID], _ scope: ProjectScope, in tx: Transaction) async throws -> [SignatureID: Known] {
        let rows = try await tx.rows(
            """
            select signature_id, group_id, first_at, is_mined, resolved_at, resolved_by, resolved_branch, resolved_commit, absent_runs, absent_days,
                absent_runs_needed, absent_days_needed, absent_elsewhere, regressed_at, signature_id in (
                    select c.signature_id from signature_cuts c where c.tenant_id = \(scope.tenant) and c.project_id = \(scope.project)) as is_cut
            from failure_signatures
            where tenant_id = \(scope.tenant) and project_id = \(scope.project) and signature_id = any(\(ids.map(\.uuid)))
            """
        ) { row in
            (
                try row.signature("signature_id"),
                Known(
                    group: try row.signature("group_id"), firstAt: try row.value("first_at"), isMined: try row.value("is_mined"),
                    resolution: try Resolution(row: row), regressedAt: try row.value("regressed_at"), isCut: try row.value("is_cut"))
            )
        }
        return Dictionary(rows) { first, _ in first }
    }

    /// The signatures whose resolution this batch proves wrong, and since when its commit runs, which is why. Reports come late, so one that began before what
    /// is known to contradict is looked at too: the earliest counts.
    func contradicted(
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

    /// What a failure was signed as stays beside what it counts for.
    func assign(_ changes: [(result: ID<Result>, target: SignatureID)], _ scope: ProjectScope, in tx: Transaction) async throws {
        guard !changes.isEmpty else { return }
        try await tx.execute(
            """
            update failures f set signature_id = u.target, signed_as = coalesce(f.signed_as, f.signature_id)
            from unnest(\(changes.map(\.result))::uuid[], \(changes.map(\.target.uuid))::uuid[]) as u (result_id, target)
            where f.tenant_id = \(scope.tenant) and f.result_id = u.result_id
            """)
    }
}

/// Within which project groups are looked for.
struct ProjectScope: Sendable {
    let tenant: ID<Tenant>
    let project: ID<Project>

    /// Held until the transaction ends.
    func lock(in tx: Transaction) async throws {
        try await tx.execute(locking)
    }

    /// The statement that does it.
    var locking: SQL { "select pg_advisory_xact_lock(hashtextextended('failure_groups/' || \(project.description), 0))" }
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
