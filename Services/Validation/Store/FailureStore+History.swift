import Foundation
import Postgres
import Primitives

/// Failures that were judged before, with what rules saw of them.
extension FailureStore {
    /// The project's last, newest first.
    func last(_ count: Int, of project: ID<Project>, tenant: ID<Tenant>) async throws -> [JudgedFailure] {
        try await database.rows(
            .tenant(tenant),
            """
            select f.result_id, f.class_name, f.test_name, f.category, f.rule, f.judged_category is not null as is_overruled, s.hash, \(fragment: SymptomStore.columns)
            from (
                select * from failures where tenant_id = \(tenant) and project_id = \(project) order by result_id desc limit \(count)
            ) f
            left join symptoms s on s.tenant_id = f.tenant_id and s.hash = f.symptoms_hash
            order by f.result_id desc
            """
        ) { try JudgedFailure(row: $0) }
    }
}

extension JudgedFailure {
    init(row: Row) throws {
        result = try row.value("result_id")
        className = try row.value("class_name")
        testName = try row.value("test_name")
        category = try stored(row.value("category"))
        rule = try row.value("rule")
        isOverruled = try row.value("is_overruled")
        symptoms = try row.value("hash", as: Data?.self) == nil ? nil : Symptoms(row: row)
    }
}
