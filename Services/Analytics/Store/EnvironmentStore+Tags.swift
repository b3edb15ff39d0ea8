import Foundation
import Postgres
import Primitives

// The tags and suites of failures that are put down to incidents. Runs leave after a week and incidents stay, so a failure keeps its tags once it is put
// down to one.

extension EnvironmentStore {
    /// The tags under which failures are counted, by result; those are left out whose run's nobody knows. What is given back was counted under the tags that it
    /// kept, so it is taken from the same, whatever is known of its run since. In a transaction that holds the project's lock.
    static func tags(
        ofTaken taken: [PlacedFailure], given: [PlacedFailure], tenant: ID<Tenant>, in tx: Transaction
    ) async throws -> [ID<Result>: [String]] {
        // What passed at last is counted nowhere.
        let new = taken.filter { !$0.passed }
        let all = new + given.filter { !$0.passed }
        guard !all.isEmpty else { return [:] }
        // Run by run: a plan that was made while there were few of them may read all of a tenant's for every failure.
        try await tx.execute(
            """
            with known as materialized (
                select u.result_id, (
                    select r.tags from environment_runs r
                    where r.tenant_id = \(tenant) and r.run_id = u.run_id and r.host = u.host and r.zone = u.zone
                ) as tags
                from unnest(
                    \(new.map(\.result))::uuid[], \(new.map(\.place.run))::uuid[], \(new.map(\.place.host))::text[], \(new.map(\.place.zone))::text[]
                ) as u (result_id, run_id, host, zone)
            )
            update environment_failures f set tags = k.tags
            from known k
            where f.tenant_id = \(tenant) and f.result_id = k.result_id and f.tags is null and k.tags is not null
            """)
        let kept = try await tx.rows(
            """
            select result_id, tags from environment_failures
            where tenant_id = \(tenant) and result_id = any(\(all.map(\.result))) and tags is not null
            """
        ) { (try $0.value("result_id", as: ID<Result>.self), try $0.value("tags", as: [String].self)) }
        return Dictionary(uniqueKeysWithValues: kept)
    }

    /// The suites under which failures were counted when they came, by result, whatever their tests have been joined to since.
    static func suites(of failures: [PlacedFailure], tenant: ID<Tenant>, in tx: Transaction) async throws -> [ID<Result>: String] {
        let kept = try await tx.rows(
            """
            select f.result_id, coalesce(f.suite_name, t.suite_name, '') as suite from environment_failures f
            left join tests t on t.tenant_id = \(tenant) and t.id = f.test_id
            where f.tenant_id = \(tenant) and f.result_id = any(\(failures.filter { !$0.passed }.map(\.result)))
            """
        ) { (try $0.value("result_id", as: ID<Result>.self), try $0.value("suite", as: String.self)) }
        return Dictionary(uniqueKeysWithValues: kept)
    }
}
