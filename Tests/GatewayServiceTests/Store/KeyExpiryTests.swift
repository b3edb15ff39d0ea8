import Foundation
import Postgres
import Primitives
import TestSupport
import Testing

@testable import GatewayService

@Suite("Keys that end soon", .database(GatewayProgram.schema))
struct KeyExpiryTests {
    @Test("are told of once, a week before; keys that were made for less, are revoked or have time are not")
    func once() async throws {
        let database = TestDatabase.current.database
        let keys = KeyStore(database: database)
        let tenant = try await GatewayStand.makeTenant(database)
        let day = 86_400.0
        for days in [3.0, 6.9, 7.5, 30, 300] {
            _ = try await GatewayStand.makeKey(keys, tenant: tenant, scopes: [.resultsRead], expiresAt: Date() + days * day)
        }
        _ = try await GatewayStand.makeKey(keys, tenant: tenant, scopes: [.resultsRead])
        // As if all had been made a month ago, but the last one that ends within a week.
        try await database.execute(
            .tenant(tenant),
            """
            update api_keys set created_at = now() - interval '30 days'
            where tenant_id = \(tenant) and expires_at not between now() + interval '6.5 days' and now() + interval '7 days'
            """)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 { group.addTask { try await keys.tellExpiring() } }
            try await group.waitForAll()
        }
        try await keys.tellExpiring()
        let told = try await database.rows(
            .tenant(tenant), "select payload ->> 'subject' as subject from jobs where tenant_id = \(tenant) and payload ->> 'type' = 'key.expiring'"
        ) { try $0.value("subject", as: String.self) }
        let expected = try await database.rows(
            .tenant(tenant), "select id from api_keys where tenant_id = \(tenant) and expires_at < now() + interval '4 days'"
        ) { try $0.value("id", as: ID<Key>.self).description }
        #expect(told == expected && told.count == 1)
    }
}
