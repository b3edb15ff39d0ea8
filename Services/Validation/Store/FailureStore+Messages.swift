import Foundation
import Jobs
import Postgres
import Primitives

/// What failures say, for whoever compares them.
extension FailureStore {
    struct Message: Sendable {
        let result: ID<Result>
        let test: ID<Test>
        let signature: Signature
    }

    /// A range of the key, whatever the statistics say of a table that was empty a minute ago.
    static let planning: SQL = """
        select set_config('enable_seqscan', 'off', true), set_config('plan_cache_mode', 'force_custom_plan', true)
        """

    /// Leaves the job that passes on what the failures of a batch say, in the transaction that files them.
    func publishMessages(of batch: FailureBatch, new: [ID<Result>], tenant: ID<Tenant>, in tx: Transaction) async throws {
        guard let first = new.min(), let last = new.max() else { return }
        let payload = PublishMessages.Payload(
            run: batch.run, project: batch.project, branch: batch.branch, environment: batch.environment,
            startedAt: Int64((batch.startedAt.timeIntervalSince1970 * 1000).rounded()), first: first, last: last)
        try await jobs.enqueue(payload, tenant: tenant, in: tx)
    }

    /// A page of what the failures of a delivery say, without those that say nothing of their cause.
    /// - Returns: also the last that was looked at; `nil` when there are no more.
    func messages(
        _ delivery: PublishMessages.Payload, after: ID<Result>?, limit: Int, tenant: ID<Tenant>
    ) async throws -> (messages: [Message], last: ID<Result>?) {
        let rows = try await database.rows(
            .tenant(tenant), after: Self.planning,
            """
            select f.result_id, f.test_id, s.origin, s.text, s.is_mined from (
                select result_id, test_id, signature_id from failures
                where tenant_id = \(tenant) and result_id >= \(delivery.first) and result_id <= \(delivery.last)
                  and (\(after)::uuid is null or result_id > \(after)) and run_id = \(delivery.run) and trusted
                order by result_id
                limit \(limit)
            ) f
            left join failure_signatures s
                on s.tenant_id = \(tenant) and s.project_id = \(delivery.project) and s.signature_id = f.signature_id
            order by f.result_id
            """
        ) { row in
            let signature = Signature(
                origin: try row.value("origin", as: String?.self) ?? "", text: try row.value("text", as: String?.self) ?? Signature.mask)
            return (
                message: Message(result: try row.value("result_id"), test: try row.value("test_id"), signature: signature),
                isKept: try row.value("is_mined", as: Bool?.self) ?? false
            )
        }
        let telling = rows.filter { $0.isKept && $0.message.signature.tellsCause }.map(\.message)
        return (telling, rows.count == limit ? rows.last?.message.result : nil)
    }
}
