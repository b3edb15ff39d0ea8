import Foundation
import Jobs
import Postgres
import Primitives
import ServiceKit
import TestSupport
import Testing

@testable import ExecutionService

@Suite("versions of code owners", .database(ExecutionProgram.schema, JobSchema.schema))
struct CodeOwnersVersionTests {
    private let fixture = UploadFixture()

    /// Owners of the only result of an upload from there, and the version that they were found by.
    private func owner(commit: String = "", branch: String = "") async throws -> (tags: [String], version: ID<CodeOwnersVersion>?) {
        let report = "<testsuite name=\"s\"><testcase name=\"\(UUID())\" file=\"a.swift\"/></testsuite>"
        let receipt = try await fixture.upload(Data(report.utf8), branch: branch, commit: commit)
        let upload = try await fixture.uploads.get(receipt.upload.id, tenant: fixture.tenant)
        #expect(upload.codeOwners == receipt.upload.codeOwners)
        let tags = try await fixture.listed(upload.run)[0].tags
        return (tags.filter { $0.hasPrefix("owner:") }, upload.codeOwners)
    }

    @Test("a result's owner is that of its commit, else of its branch, else of no branch, and its upload says by which version (P63)")
    func resolution() async throws {
        #expect(try await owner(commit: "c1", branch: "main").version == nil)
        let everywhere = try await fixture.put(owners: "* @everywhere")
        let first = try await fixture.put(owners: "* @first", commit: "c1", branch: "main")
        let second = try await fixture.put(owners: "* @second", commit: "c2", branch: "main")
        let topic = try await fixture.put(owners: "* @topic", commit: "c3", branch: "topic")
        let rows: [(commit: String, branch: String, owner: String, version: ID<CodeOwnersVersion>)] = [
            // Of exactly the commit, also when there are newer ones, and whatever the branch is called there.
            ("c1", "main", "@first", first), ("c2", "main", "@second", second), ("c1", "release", "@first", first), ("c3", "", "@topic", topic),
            // Of the branch.
            ("c9", "main", "@second", second), ("", "topic", "@topic", topic),
            // Of none.
            ("c9", "other", "@everywhere", everywhere), ("", "", "@everywhere", everywhere),
        ]
        for row in rows {
            let found = try await owner(commit: row.commit, branch: row.branch)
            #expect(found.tags == ["owner:\(row.owner)"] && found.version == row.version, "\(row)")
        }
    }

    @Test("the same commit built for two branches has a file for each, and an empty file is one that owns nothing")
    func branches() async throws {
        try await fixture.put(owners: "* @main", commit: "c1", branch: "main")
        try await fixture.put(owners: "* @release", commit: "c1", branch: "release")
        try await fixture.put(owners: "", commit: "c2", branch: "main")
        #expect(try await owner(commit: "c1", branch: "main").tags == ["owner:@main"])
        #expect(try await owner(commit: "c1", branch: "release").tags == ["owner:@release"])
        #expect(try await owner(commit: "c2", branch: "main").tags.isEmpty)
        #expect(try await owner(commit: "c3", branch: "main").tags.isEmpty)
    }

    @Test("the same file again changes nothing; another one for the same commit is the one that holds; texts are kept once")
    func again() async throws {
        let first = try await fixture.put(owners: "* @a", commit: "c1", branch: "main")
        let again = try await fixture.put(owners: "* @a", commit: "c1", branch: "main")
        #expect(first == again)
        #expect(try await fixture.owners.version(of: fixture.project, tenant: fixture.tenant) == 2)
        // A later commit with the same text, and an earlier one that is built once more: the later one stays the branch's newest.
        let later = try await fixture.put(owners: "* @a", commit: "c2", branch: "main")
        _ = try await fixture.put(owners: "* @a", commit: "c1", branch: "main")
        #expect(try await fixture.owners.newest(of: fixture.project, tenant: fixture.tenant)?.version.id == later)
        let files = try await fixture.count("code_owners_files")
        #expect(files == 1)
        try await fixture.put(owners: "* @b", commit: "c1", branch: "main")
        #expect(try await owner(commit: "c1", branch: "main").tags == ["owner:@b"])
        // By hand, without a commit: what is the newest already is not put again.
        let bare = try await fixture.put(owners: "* @c", branch: "main")
        #expect(try await fixture.put(owners: "* @c", branch: "main") == bare)
        let page = try await fixture.owners.list(PageRequest(limit: 3, cursor: ""), project: fixture.project, tenant: fixture.tenant)
        let next = try await fixture.owners.list(
            PageRequest(limit: 3, cursor: page.next ?? ""), project: fixture.project, tenant: fixture.tenant)
        #expect(page.items.first?.id == bare && (page.items + next.items).map(\.commit) == ["", "c1", "c2", "c1"] && next.next == nil)
    }

    @Test("of two that replace one version one is told, and many jobs of a build that send the same file make one version")
    func races() async throws {
        let fixture = fixture
        try await fixture.put(owners: "* @a", branch: "main")
        let taken = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<8 { group.addTask { (try? await fixture.put(owners: "* @\(number)x", branch: "main", expected: 2)) != nil } }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(taken == 1)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 { group.addTask { try await fixture.put(owners: "* @build", commit: "c1", branch: "main") } }
            try await group.waitForAll()
        }
        let versions = try await fixture.count("code_owners_versions")
        #expect(versions == 3)
    }

    @Test("what is too much is dropped oldest first, but for the file that holds where no other does")
    func bounds() async throws {
        let everywhere = try await fixture.put(owners: "* @everywhere")
        let gone = try await fixture.put(owners: "* @gone", commit: "old", branch: "main")
        for number in 0..<CodeOwnersVersion.mostFiles { try await fixture.put(owners: "* @n\(number)", commit: "f\(number)", branch: "main") }
        let files = try await fixture.count("code_owners_files")
        #expect(files == CodeOwnersVersion.mostFiles + 1)
        #expect(try await owner(branch: "other").version == everywhere)
        await #expect(throws: Fault.self) { _ = try await fixture.owners.get(gone, project: fixture.project, tenant: fixture.tenant) }
        // Commits with a file that is known, more than are kept.
        let (project, tenant) = (fixture.project, fixture.tenant)
        try await fixture.database.execute(
            .tenant(tenant),
            """
            insert into code_owners_versions (tenant_id, id, project_id, sha256, commit_sha, branch)
            select \(tenant), ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, \(project), f.sha256, 'c' || n, 'main'
            from generate_series(1, \(CodeOwnersVersion.most)) as n, (select sha256 from code_owners_files limit 1) as f
            """)
        try await fixture.put(owners: "* @n1", commit: "last", branch: "main")
        let versions = try await fixture.count("code_owners_versions")
        #expect((CodeOwnersVersion.most...CodeOwnersVersion.most + 1).contains(versions))
        #expect(try await owner(commit: "last", branch: "x").tags == ["owner:@n1"])
        #expect(try await owner(branch: "other").version == everywhere)
    }
}
