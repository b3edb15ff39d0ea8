import Foundation
import Postgres
import Primitives
import TestSupport
import Testing

@testable import ExecutionService

@Suite(.database(ExecutionProgram.schema))
struct UsageTests {
    @Test("what an organization has in store and under way is counted, and nobody else's")
    func counted() async throws {
        let database = TestDatabase.current.database
        let (tenant, other) = (ID<Tenant>.new(), ID<Tenant>.new())
        for (owner, files) in [(tenant, 3), (other, 1)] {
            let (run, upload) = (UUID(), UUID())
            try await database.transaction(.tenant(owner)) { tx in
                try await tx.execute(
                    """
                    insert into runs (tenant_id, id, project_id, kind, state, triggered_by)
                    values (\(owner), \(run), \(UUID()), 'suite', 'queued', 'key_1')
                    """)
                try await tx.execute(
                    """
                    insert into uploads (tenant_id, id, project_id, run_id, content_key, accepted, rejected, warnings, files, first_result_id, last_result_id)
                    values (\(owner), \(upload), \(UUID()), \(run), \(Data(upload.uuidString.utf8)), 0, 0, '[]', '[]', \(UUID()), \(UUID()))
                    """)
                for file in 0..<files {
                    // Two pieces each, the first too large for a row.
                    for (part, size) in [(0, 100_000), (1, 10)] {
                        try await tx.execute(
                            """
                            insert into raw_reports (tenant_id, upload_id, file, part, bytes)
                            values (\(owner), \(upload), \(Int32(file)), \(Int32(part)), \(Data(repeating: 7, count: size)))
                            """)
                    }
                }
                try await tx.execute(
                    """
                    insert into active_runs (tenant_id, run_id, project_id, suite_name, concurrency)
                    values (\(owner), \(run), \(UUID()), 's', 1)
                    """)
                for position in 0..<(files + 1) {
                    try await tx.execute(
                        """
                        insert into run_cases (tenant_id, run_id, case_id, position, name, definition)
                        values (\(owner), \(run), \(UUID()), \(Int32(position)), 'c', '{}')
                        """)
                }
            }
        }
        let store = UsageStore(database: database)
        let usage = try await store.usage(of: tenant)
        #expect(usage == UsageStore.Usage(runningTests: 4, storageBytes: 300_030, storageFiles: 3))
        let nothing = try await store.usage(of: .new())
        #expect(nothing == UsageStore.Usage(runningTests: 0, storageBytes: 0, storageFiles: 0))
    }
}
