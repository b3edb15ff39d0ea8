import Foundation
import Postgres
import Primitives

/// What the group of a failure was reached from, and the same way once more.
extension GroupMemberStore {
    /// - Throws: `failure.not_found`.
    func receipt(of result: ID<Result>, tenant: ID<Tenant>) async throws -> GroupReceipt {
        let found = try await database.lookUp(
            .tenant(tenant),
            """
            select f.result_id, f.project_id, f.class_name, f.test_name, f.grouping_edition, f.symptoms_hash, f.signature_id, f.signed_as, f.trusted,
                g.group_id, g.bucket_id, g.is_mined, s.hash, \(fragment: SymptomStore.columns)
            from failures f
            left join failure_signatures g on g.tenant_id = f.tenant_id and g.project_id = f.project_id and g.signature_id = f.signature_id
            left join symptoms s on s.tenant_id = f.tenant_id and s.hash = f.symptoms_hash
            where f.tenant_id = \(tenant) and f.result_id = \(result)
            """
        ) { try GroupReceipt(row: $0) }
        guard let found else { throw Fault.notFound("failure", result) }
        return found
    }

    /// Changes nothing.
    /// - Parameter editions: that there are.
    /// - Throws: `failure_groups.not_replayable`.
    func replay(
        _ receipt: GroupReceipt, among editions: [GroupingEdition] = GroupingEdition.released, tenant: ID<Tenant>
    ) async throws -> (replay: GroupReplay, merges: [ExplainedMerge]) {
        let edition = try GroupReplay.edition(of: receipt, among: editions)
        let signed = try GroupReplay.sign(receipt, by: edition)
        let scope = ProjectScope(tenant: tenant, project: receipt.project)
        return try await database.transaction(.tenant(tenant)) { tx in
            let bucket = receipt.place.flatMap { $0.isMined ? $0.bucket : nil }
            let neighbourhood = try await mining.neighbourhood(of: bucket.map { [$0] } ?? [], naming: [], scope, in: tx)
            let cuts = try await CutStore().all(scope, in: tx)
            let replay = GroupReplay(receipt, signed: signed, cuts: cuts, in: neighbourhood.grouping(by: edition))
            return (replay, try await explain(replay.merges, neighbourhood, scope, in: tx))
        }
    }
}

extension GroupMemberStore {
    /// The state of the failure's group once more. Changes nothing.
    /// - Returns: `nil` when the group is not known (any more).
    func replayState(
        of receipt: GroupReceipt, among editions: [LifeCycle] = LifeCycle.released, tenant: ID<Tenant>
    ) async throws -> StateReplay? {
        guard let id = receipt.place?.group.group else { return nil }
        let scope = ProjectScope(tenant: tenant, project: receipt.project)
        let (groups, sums) = (GroupStore(database: database), GroupSums())
        return try await database.transaction(.tenant(tenant)) { tx in
            func look() async throws -> StateReplay? {
                guard let group = try await groups.find(id, scope, in: tx) else { return nil }
                let own = SignatureID(uuid: group.id.uuid)
                // What an edition looked at is looked at again; one that is not known (any more) says nothing of its own.
                let rules = group.basis.flatMap { LifeCycle.numbered($0.edition, among: editions) } ?? .current
                let measure = try await sums.measure([own], by: rules, scope, in: tx)
                guard let evidence = measure.evidence[own] else { return nil }
                let absence = try await GroupUpkeepStore.absenceAgain(of: group, scope, in: tx)
                return StateReplay(group, evidence, measure.proofs[own]?.contradiction, absence, among: editions)
            }
            let seen = try await look()
            // A delivery may have come between the two questions. It is kept waiting only when something seems wrong.
            guard seen?.difference != nil else { return seen }
            try await scope.lock(in: tx)
            return try await look()
        }
    }
}

extension GroupReceipt {
    fileprivate init(row: Row) throws {
        result = try row.value("result_id")
        project = try row.value("project_id")
        className = try row.value("class_name")
        test = try row.value("test_name")
        edition = try row.value("grouping_edition", as: Int32?.self)
        hash = try row.value("symptoms_hash", as: Data?.self)
        symptoms = try row.value("hash", as: Data?.self) == nil ? nil : Symptoms(row: row)
        signature = try row.value("signature_id", as: UUID?.self).map { SignatureID(uuid: $0) }
        signedAs = try row.value("signed_as", as: UUID?.self).map { SignatureID(uuid: $0) }
        isTrusted = try row.value("trusted")
        if let group = try row.value("group_id", as: UUID?.self) {
            place = Place(group: SignatureID(uuid: group), bucket: try row.signature("bucket_id"), isMined: try row.value("is_mined"))
        } else {
            place = nil
        }
    }
}
