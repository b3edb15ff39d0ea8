import Foundation
import Jobs
import Postgres
import Primitives
import TestSupport
import Testing

@testable import AnalyticsService

@Suite("when commits first ran", .database(AnalyticsProgram.schema, JobSchema.schema))
struct CommitStoreTests {
    let tenant = ID<Tenant>.new()
    let project = ID<AnalyticsService.Project>.new()
    /// Noon, so that some hours more or less are the same day.
    let noon = Date(timeIntervalSince1970: (Date().timeIntervalSince1970 / 86_400).rounded(.down) * 86_400 + 43_200)

    private var database: Database { TestDatabase.current.database }
    private var commits: CommitStore { CommitStore(database: database) }

    private func insert(_ commit: String, hoursAgo: Double, branch: String = "main") async throws {
        let facts = FactStore(database: database, stabilities: StabilityStore(database: database))
        try await facts.insert(
            FactBatch(
                project: project, run: .new(), event: UUID().uuidString, branch: branch, commit: commit, startedAt: noon - hoursAgo * 3_600,
                facts: [Fact(result: .new(), test: .new(), suiteName: "", className: "", name: "n", outcome: .passed, duration: nil)]),
            tenant: tenant)
    }

    private func list(daysAgo: Int, branch: String = "main") async throws -> [String] {
        try await commits.list(firstSeenOn: (noon - Double(daysAgo) * 86_400).day, branch: branch, project: project, tenant: tenant).map(\.key.commit)
    }

    @Test("each commit is of the day of its earliest run on a branch, whatever came in first; a day's first five are told, oldest first")
    func first() async throws {
        try await insert("b", hoursAgo: 2)
        try await insert("a", hoursAgo: 3)
        try await insert("b", hoursAgo: 1)
        try await insert("late", hoursAgo: 0)
        try await insert("", hoursAgo: 0)
        try await insert("b", hoursAgo: 0, branch: "topic")
        try await insert("nowhere", hoursAgo: 0, branch: "")
        var today = try await list(daysAgo: 0)
        #expect(today == ["a", "b", "late"])
        let (topic, nowhere) = (try await list(daysAgo: 0, branch: "topic"), try await list(daysAgo: 0, branch: ""))
        #expect(topic == ["b"] && nowhere == ["nowhere"])
        // Imported afterwards.
        try await insert("late", hoursAgo: 30)
        today = try await list(daysAgo: 0)
        let yesterday = try await list(daysAgo: 1)
        #expect(today == ["a", "b"] && yesterday == ["late"])
        for index in 0..<8 { try await insert("m\(index)", hoursAgo: 48 - Double(index) / 10) }
        let many = try await list(daysAgo: 2)
        #expect(many == ["m0", "m1", "m2", "m3", "m4"])
        let strangers = try await commits.list(firstSeenOn: noon.day, branch: "main", project: project, tenant: .new())
        #expect(strangers.isEmpty)
    }

    @Test("commits are let go with the rollups in which a change could be found")
    func swept() async throws {
        try await insert("old", hoursAgo: Double(RollupStore.retention + 2) * 24)
        try await insert("kept", hoursAgo: Double(RollupStore.retention - 2) * 24)
        try await commits.sweep()
        let left = try await database.rows(.tenant(tenant), "select commit_sha from project_commits where tenant_id = \(tenant)") {
            try $0.value("commit_sha", as: String.self)
        }
        #expect(left == ["kept"])
    }
}
