import Foundation
import Postgres
import Primitives

extension GroupMemberStore {
    /// Whose some tests of a group are, as the proposal of its owner counts them (`GroupSums`): of all signatures of the group the latest failure
    /// that says anything of it does. Tests of which nobody says it are left out.
    func owners(of tests: [ID<Test>], in group: ID<FailureGroup>, _ scope: ProjectScope) async throws -> [ID<Test>: TestOwners] {
        guard !tests.isEmpty else { return [:] }
        let rows = try await database.rows(
            .tenant(scope.tenant),
            """
            select distinct on (t.test_id) t.test_id, t.owners, t.owners_at
            from failure_signatures s
            join signature_tests t on t.tenant_id = s.tenant_id and t.project_id = s.project_id and t.signature_id = s.signature_id
            where s.tenant_id = \(scope.tenant) and s.project_id = \(scope.project) and s.group_id = \(group)
              and t.test_id = any(\(tests.map(\.uuid))) and t.owners_at is not null
            order by t.test_id, t.owners_at desc, t.owners desc
            """
        ) { row in
            (try row.value("test_id", as: ID<Test>.self), TestOwners(names: try row.value("owners"), since: try row.value("owners_at")))
        }
        return Dictionary(rows) { first, _ in first }
    }
}
