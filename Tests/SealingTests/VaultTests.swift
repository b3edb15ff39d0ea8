import Foundation
import Logging
import Postgres
import Primitives
import ServiceKit
import TestSupport
import Testing

@testable import Sealing

/// Envelope encryption over a real database (R46).
@Suite(.database(DataKeySchema.schema)) struct VaultTests {
    static let keys = ["1": Secret(Data(repeating: 1, count: 32)), "2": Secret(Data(repeating: 2, count: 32))]

    let tenant = ID<Tenant>.new()
    var database: Database { TestDatabase.current.database }

    func vault(_ known: [String] = ["1"], current: String = "1", limits: DataKeyLimits = DataKeyLimits()) throws -> Vault {
        let sealer = try Sealer(keys: Self.keys.filter { known.contains($0.key) }, current: current)
        return Vault(database: database, config: SealingConfig(sealer: sealer), limits: limits, logger: .silent)
    }

    func place(_ tenant: ID<Tenant>? = nil, row: UUID = UUID()) -> SealContext {
        SealContext(tenant: tenant ?? self.tenant, table: "things", column: "secret", row: row)
    }

    func code(_ body: () async throws -> Void) async -> String? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? Fault)?.code ?? "\(error)"
        }
    }

    func keyCount(_ tenant: ID<Tenant>? = nil) async throws -> Int {
        let tenant = tenant ?? self.tenant
        return try await database.one(.tenant(tenant), "select count(*) as n from data_keys where tenant_id = \(tenant)") { try $0.value("n") }
    }

    @Test("what is sealed opens again, in this process and in another, and a tenant has one key")
    func roundTrip() async throws {
        let (vault, place) = (try vault(), place())
        var sealed: [Data] = []
        for size in [0, 1, 100, 70_000] { sealed.append(try await vault.seal(Data(repeating: 9, count: size), place)) }
        for (index, size) in [0, 1, 100, 70_000].enumerated() {
            #expect(try await vault.open(sealed[index], place) == Data(repeating: 9, count: size))
            let elsewhere = try self.vault()
            #expect(try await elsewhere.open(sealed[index], place) == Data(repeating: 9, count: size))
        }
        #expect(try await keyCount() == 1)
        #expect(try await vault.seal(Data("x".utf8), place) != vault.seal(Data("x".utf8), place))
    }

    @Test("secrets that belong to no organization are sealed for the installation")
    func installation() async throws {
        let (vault, place) = (try vault(), place(SealContext.installation))
        let sealed = try await vault.seal(Data("totp".utf8), place)
        #expect(try await vault.open(sealed, place) == Data("totp".utf8))
    }

    @Test("a value that was altered, or moved to another tenant, table, column or row, does not open")
    func moved() async throws {
        let (vault, row) = (try vault(), UUID())
        let sealed = try await vault.seal(Data("hunter2".utf8), place(row: row))
        for index in sealed.indices {
            var changed = sealed
            changed[index] ^= 1
            let code = await code { _ = try await vault.open(changed, place(row: row)) }
            #expect(["sealing.broken", "sealing.unknown_key"].contains(code))
        }
        let others = [
            place(row: UUID()), SealContext(tenant: tenant, table: "thing", column: "ssecret", row: row),
            SealContext(tenant: tenant, table: "things", column: "other", row: row),
        ]
        for other in others { #expect(await code { _ = try await vault.open(sealed, other) } == "sealing.broken") }
        #expect(await code { _ = try await vault.open(sealed, place(.new(), row: row)) } == "sealing.unknown_key")
        for length in 0..<sealed.count { #expect(await code { _ = try await vault.open(sealed.prefix(length), place(row: row)) } != nil) }
    }

    @Test("a data key that was copied to another tenant or row does not open")
    func copied() async throws {
        let (vault, other) = (try vault(), ID<Tenant>.new())
        let sealed = try await vault.seal(Data("x".utf8), place())
        try await database.execute(
            .system, "insert into data_keys select \(other), id, kek, wrapped, uses, created_at from data_keys where tenant_id = \(tenant)")
        #expect(await code { _ = try await vault.open(sealed, place(other)) } == "sealing.broken")
        try await database.execute(.system, "delete from data_keys where tenant_id = \(other)")
    }

    @Test("a key is replaced when its uses are taken or it is too old, and what it has sealed stays readable")
    func replacement() async throws {
        let few = try vault(limits: DataKeyLimits(uses: 20, block: 10))
        let place = place()
        var sealed: [Data] = []
        for _ in 0..<45 { sealed.append(try await few.seal(Data("x".utf8), place)) }
        #expect(try await keyCount() == 3)
        #expect(Set(sealed.map { DataKey.id(of: $0) }).count == 3)

        try await database.execute(.tenant(tenant), "update data_keys set created_at = now() - interval '91 days' where tenant_id = \(tenant)")
        sealed.append(try await vault().seal(Data("x".utf8), place))
        #expect(try await keyCount() == 4)
        let reader = try vault()
        for value in sealed { #expect(try await reader.open(value, place) == Data("x".utf8)) }
    }

    @Test("many who seal at once never use a key more often than it allows")
    func concurrent() async throws {
        let vaults = try (0..<4).map { _ in try vault(limits: DataKeyLimits(uses: 50, block: 5)) }
        let place = place()
        let sealed = try await withThrowingTaskGroup(of: Data.self) { group in
            for index in 0..<400 { group.addTask { try await vaults[index % 4].seal(Data("x".utf8), place) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        let uses = Dictionary(grouping: sealed) { DataKey.id(of: $0) }.mapValues(\.count)
        #expect(uses.values.allSatisfy { $0 <= 50 })
        for value in sealed { #expect(try await vaults[0].open(value, place) == Data("x".utf8)) }
    }

    @Test("without its data key a value is lost for good")
    func shredded() async throws {
        let place = place()
        let sealed = try await vault().seal(Data("x".utf8), place)
        try await database.execute(.tenant(tenant), "delete from data_keys where tenant_id = \(tenant)")
        #expect(await code { _ = try await vault().open(sealed, place) } == "sealing.unknown_key")
    }

    @Test("a table of data keys shows no tenant another's")
    func rowLevelSecurity() async throws {
        try await assertRowLevelSecurity(adminURL: TestDatabase.current.adminURL, schema: "sealing")
    }

    @Test(
        "rotation wraps every data key anew while seals and opens go on, and a second one goes on where the first was stopped",
        .database(DataKeySchema.schema))
    func rotation() async throws {
        let before = try vault()
        let tenants = (0..<60).map { _ in ID<Tenant>.new() }
        var values: [(ID<Tenant>, Data)] = []
        let row = UUID()
        for tenant in tenants { values.append((tenant, try await before.seal(Data("\(tenant)".utf8), place(tenant, row: row)))) }
        let sealed = values

        let during = try vault(["1", "2"], current: "2")
        // Cut short after one batch, as when the process dies.
        let store = DataKeyStore(database: database, sealer: try Sealer(keys: Self.keys, current: "2"))
        #expect(try await store.rewrap(limit: 25) == 25)
        var left: [Int] = []
        async let reading: Void = {
            for (tenant, value) in sealed {
                #expect(try await during.open(value, place(tenant, row: row)) == Data("\(tenant)".utf8))
                let fresh = try await during.seal(Data("new".utf8), place(tenant, row: row))
                #expect(try await during.open(fresh, place(tenant, row: row)) == Data("new".utf8))
            }
        }()
        var done = 0
        // A key that is being used at the moment is left to the next round.
        while try await store.staleCount() > 0 { done += try await during.rewrap(batch: 10) { left.append($0) } }
        try await reading
        #expect(done == 35 && left.first == 35 && left == left.sorted(by: >))

        let after = try vault(["2"], current: "2")
        for (tenant, value) in sealed { #expect(try await after.open(value, place(tenant, row: row)) == Data("\(tenant)".utf8)) }
        try await after.preflight()
    }

    @Test("with the key missing, or another under its name, a process does not start", .database(DataKeySchema.schema))
    func wrongKey() async throws {
        try await vault(["2"], current: "2").preflight()
        _ = try await vault().seal(Data("x".utf8), place())
        try await vault().preflight()
        let missing = await #expect(throws: ConfigFault.self) { try await vault(["2"], current: "2").preflight() }
        #expect(missing?.problems == ["sealing.key: key 1, which this database's secrets are sealed with, is missing"])
        let impostor = Vault(
            database: database, config: SealingConfig(sealer: try Sealer(keys: ["1": Secret(Data(repeating: 8, count: 32))], current: "1")),
            logger: .silent)
        let wrong = await #expect(throws: ConfigFault.self) { try await impostor.preflight() }
        #expect(wrong?.problems == ["sealing.key: key 1 is not the one that this database's secrets are sealed with"])
    }
}
