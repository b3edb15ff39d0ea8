import Foundation
import Postgres
import Primitives

/// All SQL about plans of tries that were given to builds.
struct RetryPlanStore: Sendable {
    let database: Database

    private static let columns: SQL = "id, project_id, run_id, uploads, edition, policy, policy_version, counts, input_hash, decided_at"

    /// A plan of the same run that is the same in everything is the first one.
    /// - Throws: `retry_plans.full`.
    func insert(_ plan: RetryPlan, of run: Run, at now: Date, tenant: ID<Tenant>) async throws -> ID<KeptRetryPlan> {
        let bytes = try RetryBasis(plan).encoded()
        let hash = RetryBasis.hash(of: bytes)
        let question = plan.question
        return try await database.transaction(.tenant(tenant)) { tx in
            let made = try await tx.first(
                """
                insert into retry_plans (
                    tenant_id, id, project_id, run_id, uploads, edition, policy, policy_version, counts, input_hash, basis, decided_at)
                select \(tenant), \(ID<KeptRetryPlan>.new()), \(run.project), \(run.id), \(question.uploads), \(plan.edition),
                    \(try JSONText(encoding: question.policy)), \(question.policyVersion), \(try JSONText(encoding: plan.counts)), \(hash),
                    \(bytes), \(now)
                where (
                    select count(*) from (
                        select from retry_plans where tenant_id = \(tenant) and run_id = \(run.id) limit \(KeptRetryPlan.most)
                    ) as kept
                ) < \(KeptRetryPlan.most)
                on conflict on constraint retry_plans_run_id_input_hash_unique do nothing
                returning id
                """
            ) { try $0.value("id", as: ID<KeptRetryPlan>.self) }
            if let made { return made }
            let first = try await tx.first(
                "select id from retry_plans where tenant_id = \(tenant) and run_id = \(run.id) and input_hash = \(hash)"
            ) { try $0.value("id", as: ID<KeptRetryPlan>.self) }
            guard let first else { throw Fault.retryPlansFull(run.id) }
            return first
        }
    }

    /// Of a run, newest first, without what they were made from.
    func list(_ page: PageRequest, of run: ID<Run>, tenant: ID<Tenant>) async throws -> Page<KeptRetryPlan> {
        let before = try page.after(ID<KeptRetryPlan>.self)
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select \(fragment: Self.columns) from retry_plans
            where tenant_id = \(tenant) and run_id = \(run) and (\(before)::uuid is null or id < \(before))
            order by id desc
            limit \(page.limit + 1)
            """
        ) { try KeptRetryPlan(row: $0) }
        return Page(rows: rows, limit: page.limit) { $0.id.description }
    }

    /// - Throws: `retry_plan.not_found`.
    func get(_ id: ID<KeptRetryPlan>, tenant: ID<Tenant>) async throws -> KeptRetryPlan {
        let found = try await database.first(
            .tenant(tenant), "select \(fragment: Self.columns), basis from retry_plans where tenant_id = \(tenant) and id = \(id)"
        ) { row in
            var plan = try KeptRetryPlan(row: row)
            plan.bytes = try row.value("basis")
            return plan
        }
        guard let found else { throw Fault.notFound("retry_plan", id) }
        return found
    }
}

extension KeptRetryPlan {
    fileprivate init(row: Row) throws {
        id = try row.value("id")
        project = try row.value("project_id")
        run = try row.value("run_id")
        uploads = try row.value("uploads")
        edition = try row.value("edition")
        policy = try row.value("policy", as: JSONText.self).decode(RetryPolicy.self)
        policyVersion = try row.value("policy_version")
        counts = try row.value("counts", as: JSONText.self).decode(RetryCounts.self)
        inputHash = try row.value("input_hash")
        decidedAt = try row.value("decided_at")
    }
}
