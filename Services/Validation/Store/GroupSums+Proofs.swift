import Foundation
import Postgres
import Primitives

/// What contradicts the resolutions of groups, by what is known of commits now.
extension GroupSums {
    /// The newest failures of a signature that are looked through for one that contradicts, where its first, or the one that is kept, proves nothing.
    static let mostLookedThrough = 250

    /// A failure of a signature that contradicts the resolution which holds for that.
    struct Proof: Sendable {
        let group: SignatureID
        let signature: SignatureID
        let contradiction: Contradiction

        /// The earliest of each group.
        static func earliest(of proofs: [Proof]) -> [SignatureID: Proof] {
            Dictionary(proofs.sorted { $0.contradiction.isBefore($1.contradiction) }.map { ($0.group, $0) }) { first, _ in first }
        }
    }

    /// A signature of which the failures that are kept apart prove nothing, so that others are looked through.
    struct Suspect: Sendable {
        /// Of a group, those that were seen last: it may have very many.
        static let mostSearched = 20
        /// At once, so that no statement takes long, however many groups are asked about.
        static let mostAtOnce = 50

        let group: SignatureID
        let signature: SignatureID
        let lastAt: Date

        /// Those that are looked through, in parts. Whether one is does not depend on what other groups are asked about.
        static func portions(of suspects: [Suspect]) -> [[Suspect]] {
            let groups = Dictionary(grouping: suspects, by: \.group).values
            let searched = groups.flatMap { $0.sorted(by: isSeenLater).prefix(mostSearched) }
            let chosen = searched.sorted { $0.signature < $1.signature }
            return stride(from: 0, to: chosen.count, by: mostAtOnce).map { Array(chosen[$0..<min($0 + mostAtOnce, chosen.count)]) }
        }

        private static func isSeenLater(_ one: Suspect, _ other: Suspect) -> Bool {
            (other.lastAt, one.signature) < (one.lastAt, other.signature)
        }
    }

    /// What groups come to, and why.
    struct Measure: Sendable {
        /// Without those that have no signatures.
        var evidence: [SignatureID: GroupEvidence]
        /// Of each regressed group the earliest, for an edition that asks again (`LifeCycle.Contradictions.asKnown`).
        var proofs: [SignatureID: Proof] = [:]
        /// Signatures that keep as a proof what is none, by what has been heard of its commit since, with what is one instead. Of those alone that have
        /// been looked through: what is forgotten of the others would be forgotten for good.
        var corrections: [(signature: SignatureID, proof: Proof?)] = []
    }

    /// What the states of groups follow from, by what their signatures come to now, as an edition of the rules looks at them. More is asked for than
    /// the sums only of groups that are contradicted, and of those that are resolved and got signatures since.
    func measure(_ groups: Set<SignatureID>, by rules: LifeCycle = .current, _ scope: ProjectScope, in tx: Transaction) async throws -> Measure {
        var measure = Measure(evidence: try await sum(groups, scope, in: tx))
        var proofs: [Proof] = []
        let regressed = Set(measure.evidence.filter(\.value.hasRegressed).keys)
        if rules.contradictions == .asKnown, !regressed.isEmpty {
            let (proven, corrections) = try await askAgain(regressed, scope, in: tx)
            let left = Set(proven.map(\.group))
            for group in regressed { measure.evidence[group]?.hasRegressed = left.contains(group) }
            measure.corrections = corrections
            proofs += proven
        }
        let suspected = measure.evidence.filter { _, sums in
            guard let resolvedAt = sums.resolvedAt, let newest = sums.newestOpenAt else { return false }
            return newest > resolvedAt
        }
        if !suspected.isEmpty {
            let found = try await otherWords(of: Set(suspected.keys), by: rules, scope, in: tx)
            for (group, proof) in found { measure.evidence[group]?.otherWordsAt = proof.contradiction.sighting.at }
            proofs += found.values
        }
        measure.proofs = Proof.earliest(of: proofs)
        return measure
    }

    /// Holds what signatures keep as proofs against their resolutions once more: that a commit had run before may have been heard of since, and then
    /// what proved something when it came proves nothing. Later failures of such signatures may.
    private func askAgain(
        _ groups: Set<SignatureID>, _ scope: ProjectScope, in tx: Transaction
    ) async throws -> (proofs: [Proof], corrections: [(signature: SignatureID, proof: Proof?)]) {
        let regressed = try await tx.rows(
            """
            with regressed as (
                select signature_id, group_id, resolved_at, resolved_by, resolved_branch, resolved_commit, absent_runs, absent_days,
                    absent_runs_needed, absent_days_needed, absent_elsewhere, regressed_at, regressed_result, regressed_run, regressed_branch,
                    regressed_commit, regressed_environment, regressed_since, last_at, last_result, last_run, last_branch, last_commit,
                    last_environment
                from failure_signatures
                where tenant_id = \(scope.tenant) and project_id = \(scope.project) and group_id = any(\(groups.map(\.uuid)))
                  and regressed_at is not null and resolved_at is not null
            ),
            commits as (
                select c.commit, f.started_at
                from (
                    select regressed_commit as commit from regressed where regressed_commit <> ''
                    union
                    select last_commit from regressed where last_commit <> ''
                ) c, lateral (\(fragment: Self.start(of: "c.commit", scope))) f
            )
            select r.*, least(r.regressed_at, r.regressed_since, k.started_at) as kept_since, least(r.last_at, l.started_at) as last_since
            from regressed r left join commits k on k.commit = r.regressed_commit left join commits l on l.commit = r.last_commit
            """
        ) { row -> (suspect: Suspect, kept: Proof?, last: Proof?) in
            let (group, signature) = (try row.signature("group_id"), try row.signature("signature_id"))
            let resolution = try Resolution(row: row)
            func proof(_ sighting: Sighting, since: Date) -> Proof? {
                guard let resolution, resolution.isContradicted(by: sighting, commitSince: since) else { return nil }
                return Proof(group: group, signature: signature, contradiction: Contradiction(sighting: sighting, since: since))
            }
            let (kept, last) = (try Sighting(row: row, "regressed"), try Sighting(row: row, "last"))
            let (keptSince, lastSince) = (try row.value("kept_since", as: Date.self), try row.value("last_since", as: Date.self))
            // What the run, or the commit, of the one that is kept does not prove the last one of it does not either.
            let isKnown = last.run == kept.run || (!last.commit.isEmpty && last.commit == kept.commit)
            return (
                suspect: Suspect(group: group, signature: signature, lastAt: last.at), kept: proof(kept, since: keptSince),
                last: isKnown ? nil : proof(last, since: lastSince)
            )
        }
        let disproved = regressed.filter { $0.kept == nil }
        let portions = Suspect.portions(of: disproved.map(\.suspect))
        let searched = try await lookThrough(portions.map { unproven($0.map(\.signature), scope) }, scope, in: tx)
        let others = (searched + disproved.compactMap(\.last)).sorted { $0.contradiction.isBefore($1.contradiction) }
        let found = Dictionary(others.map { ($0.signature, $0) }) { first, _ in first }
        let corrections = portions.joined().map { (signature: $0.signature, proof: found[$0.signature]) }
        return (regressed.compactMap(\.kept) + found.values, corrections)
    }

    /// `suspects`: signatures that keep as a proof what is none. Nothing earlier is one, or it would be kept, and nothing else of that commit is.
    private func unproven(_ signatures: [SignatureID], _ scope: ProjectScope) -> SQL {
        """
        with suspects as (
            select signature_id, group_id, resolved_at, resolved_by, resolved_branch, resolved_commit, absent_runs, absent_days,
                absent_runs_needed, absent_days_needed, absent_elsewhere, regressed_at as searched_from, regressed_commit as known_commit,
                regressed_run as known_run
            from failure_signatures
            where tenant_id = \(scope.tenant) and project_id = \(scope.project) and signature_id = any(\(signatures.map(\.uuid)))
        )
        """
    }

    /// Failures that contradict, one of each commit of each signature: the earliest.
    /// - Parameter portions: of signatures (`Suspect.portions`); each begins with a `with` of the name `suspects`.
    func lookThrough(_ portions: [SQL], _ scope: ProjectScope, in tx: Transaction) async throws -> [Proof] {
        var proofs: [Proof] = []
        for portion in portions { proofs += try await lookThrough(portion, scope, in: tx) }
        return proofs
    }

    private func lookThrough(_ suspects: SQL, _ scope: ProjectScope, in tx: Transaction) async throws -> [Proof] {
        try await tx.rows(
            """
            \(fragment: suspects),
            seen as (
                select distinct on (s.signature_id, v.branch, v.commit_sha) s.*, v.started_at as seen_at, f.result_id as seen_result,
                    v.run_id as seen_run, v.branch as seen_branch, v.commit_sha as seen_commit, v.environment as seen_environment
                from suspects s
                cross join lateral (
                    select f.result_id, f.run_id from failures f
                    where f.tenant_id = \(scope.tenant) and f.project_id = \(scope.project) and f.signature_id = s.signature_id and f.trusted
                    order by f.result_id desc
                    limit \(Self.mostLookedThrough)
                ) f
                join validations v on v.tenant_id = \(scope.tenant) and v.run_id = f.run_id
                where v.started_at >= s.searched_from and (s.resolved_branch = '' or v.branch = s.resolved_branch)
                  and v.run_id is distinct from s.known_run and (s.known_commit = '' or v.commit_sha <> s.known_commit)
                order by s.signature_id, v.branch, v.commit_sha, v.started_at, f.result_id
            ),
            commits as (
                select c.commit, f.started_at
                from (select distinct seen_commit as commit from seen where seen_commit <> '') c,
                    lateral (\(fragment: Self.start(of: "c.commit", scope))) f
            )
            select s.*, least(s.seen_at, c.started_at) as seen_since from seen s left join commits c on c.commit = s.seen_commit
            """
        ) { row -> Proof? in
            let (sighting, since) = (try Sighting(row: row, "seen"), try row.value("seen_since", as: Date.self))
            guard let resolution = try Resolution(row: row), resolution.isContradicted(by: sighting, commitSince: since) else { return nil }
            return Proof(
                group: try row.signature("group_id"), signature: try row.signature("signature_id"),
                contradiction: Contradiction(sighting: sighting, since: since))
        }.compactMap { $0 }
    }

    /// When a commit ran first.
    static func start(of commit: SQL, _ scope: ProjectScope) -> SQL {
        """
        select min(v.started_at) as started_at from validations v
        where v.tenant_id = \(scope.tenant) and v.project_id = \(scope.project) and v.lane = 'trusted' and v.commit_sha <> ''
          and v.commit_sha = \(fragment: commit)
        """
    }

    /// What is no proof is not kept as one: so a later failure is held against the resolution as if the other had never been taken for one.
    func correct(_ corrections: [(signature: SignatureID, proof: Proof?)], _ scope: ProjectScope, in tx: Transaction) async throws {
        guard !corrections.isEmpty else { return }
        let found = corrections.map { $0.proof?.contradiction }
        let sightings = found.map { $0?.sighting }
        try await tx.execute(
            """
            update failure_signatures s set regressed_at = u.at, regressed_result = u.result, regressed_run = u.run, regressed_branch = u.branch,
                regressed_commit = u.commit, regressed_environment = u.environment, regressed_since = u.since
            from unnest(
                \(corrections.map(\.signature.uuid))::uuid[], \(sightings.map { $0?.at })::timestamptz[], \(sightings.map { $0?.result })::uuid[],
                \(sightings.map { $0?.run })::uuid[], \(sightings.map { $0?.branch })::text[], \(sightings.map { $0?.commit })::text[],
                \(sightings.map { $0?.environment })::text[], \(found.map { $0?.since })::timestamptz[]
            ) as u (id, at, result, run, branch, commit, environment, since)
            where s.tenant_id = \(scope.tenant) and s.project_id = \(scope.project) and s.signature_id = u.id
            """)
    }
}
