import Crypto
import Foundation
import Postgres
import Primitives

/// Counts of failed tries to log in, shared by all gateways, and the devices that accounts are known from: all SQL on them.
struct SignInStore: Sendable {
    let database: Database

    /// What one try counts towards.
    struct Keys: Sendable {
        let account: Data
        let address: Data
        let pair: Data

        /// - Parameters:
        ///   - account: as it was typed, an e-mail address or not.
        ///   - network: the address as limits count it.
        init(account: String, network: String) {
            func digest(_ parts: String...) -> Data {
                Data(SHA256.hash(data: Data(parts.map { "\($0.utf8.count):\($0)" }.joined().utf8)))
            }
            self.account = digest("account", account.lowercased())
            address = digest("address", network)
            pair = digest("pair", account.lowercased(), network)
        }
    }

    /// How long a device is known without being used.
    static let deviceLife = "90 days"

    /// Decides on a try, and counts it as a failure before anybody has looked at the password: a hundred at once are a hundred.
    func begin(_ keys: Keys, now: Date) async throws -> SignInThrottle.Decision {
        try await database.transaction(.system) { tx in
            let decision = SignInThrottle.decide(try await counts(keys, now, in: tx), now: now)
            if case .allowed(let counts) = decision { try await write(counts, keys, in: tx) }
            return decision
        }
    }

    /// The try was a success: what failed before it is forgotten, and the device is known from now on.
    func succeed(_ keys: Keys, now: Date) async throws {
        try await database.transaction(.system) { tx in
            try await write(SignInThrottle.succeeding(counts(keys, now, in: tx)), keys, in: tx)
            try await tx.execute(
                """
                insert into known_devices (key, last_at) values (\(keys.pair), \(now))
                on conflict on constraint known_devices_pkey do update set last_at = excluded.last_at
                """)
        }
    }

    /// The try proved nothing, such as one that found all threads busy: it counts as never made.
    func withdraw(_ keys: Keys, now: Date) async throws {
        try await database.transaction(.system) { tx in
            try await write(SignInThrottle.withdrawing(counts(keys, now, in: tx)), keys, in: tx)
        }
    }

    /// After a new password: strangers may try again.
    func forgive(account: String) async throws {
        try await database.execute(
            .system, "delete from sign_in_failures where scope = 'account' and key = \(Keys(account: account, network: "").account)")
    }

    // MARK: - Codes of the second factor

    /// Counts a try of a code before it is looked at.
    /// - Returns: how long to wait, in seconds, when `limit` tries were made within `window` of the first.
    func beginCode(of person: ID<User>, limit: Int, window: TimeInterval, now: Date) async throws -> TimeInterval? {
        let key = Keys(account: person.description, network: "").account
        return try await database.transaction(.system) { tx in
            let count = try await tx.one(
                """
                insert into sign_in_failures as f (scope, key, failures, first_at, last_at) values ('code', \(key), 1, \(now), \(now))
                on conflict on constraint sign_in_failures_pkey do update
                set failures = case when f.first_at + \(window) * interval '1 second' <= \(now) then 1 else f.failures + 1 end,
                    first_at = case when f.first_at + \(window) * interval '1 second' <= \(now) then \(now) else f.first_at end,
                    last_at = \(now)
                returning failures, first_at
                """
            ) { (failures: try $0.value("failures", as: Int.self), first: try $0.value("first_at", as: Date.self)) }
            return count.failures > limit ? count.first.addingTimeInterval(window).timeIntervalSince(now) : nil
        }
    }

    func succeedCode(of person: ID<User>) async throws {
        let key = Keys(account: person.description, network: "").account
        try await database.execute(.system, "delete from sign_in_failures where scope = 'code' and key = \(key)")
    }

    /// Locks the three rows, in an order that is the same for everybody.
    private func counts(_ keys: Keys, _ now: Date, in tx: Transaction) async throws -> SignInThrottle.Counts {
        try await tx.execute(
            """
            insert into sign_in_failures (scope, key, failures, first_at, last_at)
            values ('account', \(keys.account), 0, \(now), \(now)), ('address', \(keys.address), 0, \(now), \(now)),
                   ('pair', \(keys.pair), 0, \(now), \(now))
            on conflict on constraint sign_in_failures_pkey do nothing
            """)
        let rows = try await tx.rows(
            """
            select scope, failures, first_at, last_at,
                   exists (select from known_devices where key = \(keys.pair) and last_at > now() - \(Self.deviceLife)::interval) as is_known
            from sign_in_failures
            where (scope, key) in (('account', \(keys.account)), ('address', \(keys.address)), ('pair', \(keys.pair)))
            order by scope, key
            for update
            """
        ) { row in
            (
                scope: try row.value("scope", as: String.self),
                count: SignInThrottle.Count(
                    failures: try row.value("failures"), first: try row.value("first_at"), last: try row.value("last_at")),
                isKnown: try row.value("is_known", as: Bool.self)
            )
        }
        func count(_ scope: String) -> SignInThrottle.Count { rows.first { $0.scope == scope }?.count ?? .none }
        return SignInThrottle.Counts(
            pair: count("pair"), address: count("address"), account: count("account"), isKnownDevice: rows.first?.isKnown ?? false)
    }

    private func write(_ counts: SignInThrottle.Counts, _ keys: Keys, in tx: Transaction) async throws {
        func update(_ scope: String, _ key: Data, _ count: SignInThrottle.Count) -> SQL {
            """
            update sign_in_failures
            set failures = \(count.failures), first_at = \(count.first), last_at = \(count.last)
            where scope = \(scope) and key = \(key)
            """
        }
        try await tx.pipeline([
            update("account", keys.account, counts.account), update("address", keys.address, counts.address),
            update("pair", keys.pair, counts.pair),
        ])
    }

    /// Forgets what counts no more. An account at its limit stays there for a year.
    func sweep() async throws {
        try await database.execute(
            .system,
            """
            delete from sign_in_failures where (scope, key) in (
                select scope, key from sign_in_failures
                where last_at < now() - interval '1 hour' and (scope <> 'account' or failures = 0 or last_at < now() - interval '1 year')
                order by last_at limit 1000 for update skip locked)
            """)
        try await database.execute(
            .system,
            """
            delete from known_devices where key in (
                select key from known_devices where last_at < now() - \(Self.deviceLife)::interval
                order by last_at limit 1000 for update skip locked)
            """)
    }
}
