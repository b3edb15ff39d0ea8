import Foundation
import Postgres
import Primitives

/// People and what they prove themselves with: all SQL on it. People belong to no tenant, so everything here looks across all.
struct PeopleStore: Sendable {
    let database: Database

    private static let columns: SQL = """
        id, email, name, password, email_verified_at is null or disabled_at is not null as is_disabled, totp_secret, totp_confirmed_at, totp_step,
        created_at, version
        """

    func find(_ email: EmailAddress) async throws -> Person? {
        try await database.lookUp(.system, "select \(fragment: Self.columns) from people where email = \(email.text)") { try Person(row: $0) }
    }

    /// - Throws: `person.not_found`.
    func get(_ id: ID<User>) async throws -> Person {
        let found = try await database.lookUp(.system, "select \(fragment: Self.columns) from people where id = \(id)") { try Person(row: $0) }
        guard let found else { throw Fault.notFound("person", id) }
        return found
    }

    /// Oldest membership first.
    func organizations(of person: ID<User>) async throws -> (all: [OwnOrganization], last: ID<Tenant>?) {
        let all = try await database.rows(
            .system,
            """
            select u.tenant_id, o.name, u.role
            from users u
            join organizations o on o.tenant_id = u.tenant_id
            where u.id = \(person) and u.deactivated_at is null and o.deactivated_at is null
            order by u.created_at, u.tenant_id
            limit 200
            """
        ) { OwnOrganization(tenant: try $0.value("tenant_id"), name: try $0.value("name"), role: try $0.value("role")) }
        let last = try await database.first(.system, "select last_tenant_id from people where id = \(person)") {
            try $0.value("last_tenant_id", as: UUID?.self)
        }
        return (all, last.flatMap { $0 }.map { ID<Tenant>(uuid: $0) })
    }

    /// Who a person is outside of all organizations; `nil` for whoever may sign in nowhere.
    func ownIdentity(of person: ID<User>) async throws -> Identity? {
        try await database.lookUp(
            .system, "select id from people where id = \(person) and disabled_at is null and email_verified_at is not null"
        ) { _ in Identity(tenant: ID<Tenant>(uuid: person.uuid), actor: .person(person), permissions: [], organization: "") }
    }

    /// - Parameters:
    ///   - name: `nil` leaves it as it is.
    ///   - version: that the account must have; 0 for any.
    ///   - key: the idempotency key; the same one again changes nothing and gives the person as they are.
    /// - Throws: `person.not_found`, `precondition_failed`.
    func update(_ id: ID<User>, name: String?, version: Int64, key: String?) async throws -> Person {
        let updated = try await database.first(
            .system,
            """
            update people set name = coalesce(\(name), name), version = version + 1, change_key = \(key)
            where id = \(id) and (\(version) = 0 or version = \(version)) and (\(key)::text is null or change_key is distinct from \(key))
            returning \(fragment: Self.columns)
            """
        ) { try Person(row: $0) }
        if let updated { return updated }
        let found = try await database.first(
            .system, "select \(fragment: Self.columns), change_key from people where id = \(id)"
        ) { (person: try Person(row: $0), key: try $0.value("change_key", as: String?.self)) }
        guard let found else { throw Fault.notFound("person", id) }
        guard let key, found.key == key else { throw Fault.versionStale }
        return found.person
    }

    /// As below, with what `notice` posts, in one transaction.
    func changePassword(
        _ hash: String, of person: ID<User>, keeping session: ID<Session>?, notice: @Sendable (Transaction) async throws -> Void
    ) async throws {
        try await database.transaction(.system) { tx in
            try await setPassword(hash, of: person, keeping: session, in: tx)
            try await notice(tx)
        }
    }

    /// - Parameter keeping: the only session that goes on; every link that was mailed to the person is void.
    func setPassword(_ hash: String, of person: ID<User>, keeping session: ID<Session>? = nil, in tx: Transaction) async throws {
        try await tx.pipeline([
            "update people set password = \(hash) where id = \(person)",
            "delete from mailed_links where person_id = \(person) and purpose = 'reset'",
            "delete from sessions where person_id = \(person) and id is distinct from \(session?.uuid)",
        ])
    }

    /// The same password under today's cost and pepper; nothing ends.
    func rehash(_ hash: String, of person: ID<User>, replacing old: String) async throws {
        try await database.execute(.system, "update people set password = \(hash) where id = \(person) and password = \(old)")
    }

    // MARK: - The second factor

    /// - Throws: `second_factor.on`.
    func beginSecondFactor(_ sealed: Data, of person: ID<User>) async throws {
        let count = try await database.execute(
            .system, "update people set totp_secret = \(sealed), totp_step = null where id = \(person) and totp_confirmed_at is null")
        if count == 0 { throw Fault.secondFactorOn }
    }

    /// - Throws: `second_factor.on` when another request was faster.
    func confirmSecondFactor(of person: ID<User>, step: Int64, recoveryCodes: [SecretDigest]) async throws {
        try await database.transaction(.system) { tx in
            let count = try await tx.execute(
                """
                update people set totp_confirmed_at = now(), totp_step = \(step)
                where id = \(person) and totp_confirmed_at is null and totp_secret is not null
                """)
            guard count == 1 else { throw Fault.secondFactorOn }
            try await Self.replaceRecoveryCodes(recoveryCodes, of: person, in: tx)
        }
    }

    func removeSecondFactor(of person: ID<User>) async throws {
        _ = try await database.transaction(.system) { tx in
            try await tx.pipeline([
                "update people set totp_secret = null, totp_confirmed_at = null, totp_step = null where id = \(person)",
                "delete from recovery_codes where person_id = \(person)",
            ])
        }
    }

    /// - Returns: whether this call is the one that used the step.
    func useStep(_ step: Int64, of person: ID<User>) async throws -> Bool {
        try await database.execute(
            .system, "update people set totp_step = \(step) where id = \(person) and (totp_step is null or totp_step < \(step))") == 1
    }

    /// - Returns: whether it was one of theirs; from now on it is not.
    func useRecoveryCode(_ digest: SecretDigest, of person: ID<User>) async throws -> Bool {
        try await database.execute(.system, "delete from recovery_codes where person_id = \(person) and digest = \(digest.data)") == 1
    }

    func recoveryCodeCount(of person: ID<User>) async throws -> Int {
        try await database.one(.system, "select count(*) as count from recovery_codes where person_id = \(person)") { try $0.value("count") }
    }

    func replaceRecoveryCodes(_ digests: [SecretDigest], of person: ID<User>) async throws {
        try await database.transaction(.system) { try await Self.replaceRecoveryCodes(digests, of: person, in: $0) }
    }

    private static func replaceRecoveryCodes(_ digests: [SecretDigest], of person: ID<User>, in tx: Transaction) async throws {
        try await tx.pipeline([
            "delete from recovery_codes where person_id = \(person)",
            "insert into recovery_codes (person_id, digest) select \(person), unnest(\(digests.map(\.data))::bytea[])",
        ])
    }
}

extension Person {
    init(row: Row) throws {
        let sealed = try row.value("totp_secret", as: Data?.self)
        let isConfirmed = try row.value("totp_confirmed_at", as: Date?.self) != nil
        let step = try row.value("totp_step", as: Int64?.self)
        self.init(
            id: try row.value("id"), email: EmailAddress(stored: try row.value("email")), name: try row.value("name"),
            password: try row.value("password"), isDisabled: try row.value("is_disabled"),
            secondFactor: sealed.map { isConfirmed ? .on(sealed: $0, lastStep: step) : .begun(sealed: $0) } ?? .off,
            createdAt: try row.value("created_at"), version: try row.value("version"))
    }
}
