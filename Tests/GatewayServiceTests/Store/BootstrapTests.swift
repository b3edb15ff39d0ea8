import Foundation
import Postgres
import Primitives
import TestSupport
import Testing

@testable import GatewayService

/// The only suite in whose database nobody else makes organizations.
@Suite("First start", .database(GatewayProgram.schema), .serialized)
struct BootstrapTests {
    private let database = TestDatabase.current.database

    private func count() async throws -> Int64 {
        try await database.one(.system, "select count(*) as n from organizations") { try $0.value("n", as: Int64.self) }
    }

    @Test("without a key file nothing is made")
    func withoutFile() async throws {
        try await Bootstrap(organizations: OrganizationStore(database: database), organization: "First", keyFile: nil, logger: .silent).makeFirst()
        #expect(try await count() == 0)
    }

    @Test("a key that cannot be delivered leaves no organization behind")
    func undeliverable() async throws {
        let bootstrap = Bootstrap(
            organizations: OrganizationStore(database: database), organization: "First", keyFile: "/nowhere/at/all/key", logger: .silent)
        await #expect(throws: Fault.bootstrapFile("/nowhere/at/all/key")) { try await bootstrap.makeFirst() }
        #expect(try await count() == 0)
    }

    @Test("of fifty gateways that start at once one makes the organization, and its key works")
    func race() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "assay-bootstrap-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "key").path
        try await withThrowingTaskGroup { group in
            for _ in 0..<50 {
                group.addTask {
                    try await Bootstrap(
                        organizations: OrganizationStore(database: database), organization: "First", keyFile: file, logger: .silent
                    ).makeFirst()
                }
            }
            try await group.waitForAll()
        }
        #expect(try await count() == 1)
        let text = try String(contentsOfFile: file, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int == 0o600)
        #expect(try await KeyStore(database: database).identity(SecretDigest(text), usedFrom: "")?.permissions == KeyScope.orgAdmin.permissions)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["key"])
    }
}
