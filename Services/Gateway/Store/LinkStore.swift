import Foundation
import Postgres
import Primitives

/// Links in mails: all SQL on them. Whoever has one proves that they read the mail of its address; it is good once.
struct LinkStore: Sendable {
    let database: Database

    /// Links that an address gets within an hour; more would be a way to fill somebody's mailbox.
    static let maxPerHour = 3

    /// Of a registration: what the person becomes.
    struct Registrant: Sendable {
        let email: EmailAddress
        let name: String
        let password: String
    }

    /// Stores a link and has `mail` post it, in one transaction.
    /// - Returns: whether the address was below its limit; else nothing was done.
    @discardableResult
    func insert(
        _ link: LinkToken, _ purpose: LinkToken.Purpose, to email: EmailAddress, of person: ID<User>?, registrant: Registrant? = nil,
        mail: @Sendable (Transaction) async throws -> Void
    ) async throws -> Bool {
        try await database.transaction(.system) { tx in
            // Requests for one address take turns, so that the limit holds for those that come together.
            _ = try await tx.first("select pg_advisory_xact_lock(hashtextextended('assay.link ' || \(email.text), 0))") { _ in true }
            let sent = try await tx.one(
                "select count(*) as count from mailed_links where email = \(email.text) and created_at > now() - interval '1 hour'"
            ) { try $0.value("count", as: Int.self) }
            guard sent < Self.maxPerHour else { return false }
            try await tx.execute(
                """
                insert into mailed_links (digest, purpose, email, person_id, name, password, expires_at)
                values (\(SecretDigest(link.secret.reveal()).data), \(purpose.rawValue), \(email.text), \(person), \(registrant?.name),
                        \(registrant?.password), now() + \(purpose.life) * interval '1 second')
                """)
            try await mail(tx)
            return true
        }
    }

    /// The latest registration of an address that waits for its link to be opened.
    func registrant(_ email: EmailAddress) async throws -> Registrant? {
        try await database.first(
            .system,
            """
            select name, password from mailed_links
            where email = \(email.text) and purpose = 'verify' and expires_at > now()
            order by created_at desc limit 1
            """
        ) { Registrant(email: email, name: try $0.value("name"), password: try $0.value("password")) }
    }

    /// Makes the person of a registration. The other links of the address are void with it.
    /// - Throws: `auth.link_invalid`, also when the address has got an account meanwhile.
    func register(_ link: LinkToken) async throws -> ID<User> {
        try await database.transaction(.system) { tx in
            let taken = try await tx.first(
                """
                delete from mailed_links
                where digest = \(SecretDigest(link.secret.reveal()).data) and purpose = 'verify' and expires_at > now()
                returning email, name, password
                """
            ) {
                Registrant(
                    email: EmailAddress(stored: try $0.value("email")), name: try $0.value("name"), password: try $0.value("password"))
            }
            guard let taken else { throw Fault.linkInvalid }
            // Somebody whom others have made without a password gets one here: the link proves that the address is theirs.
            let person = try await tx.first(
                """
                insert into people (id, email, name, password, email_verified_at)
                values (\(ID<User>.new()), \(taken.email.text), \(taken.name), \(taken.password), now())
                on conflict on constraint people_email_unique do update
                set name = excluded.name, password = excluded.password, email_verified_at = now()
                where people.email_verified_at is null and people.password is null
                returning id
                """
            ) { try $0.value("id", as: ID<User>.self) }
            guard let person else { throw Fault.linkInvalid }
            try await tx.execute("delete from mailed_links where email = \(taken.email.text) and purpose = 'verify'")
            return person
        }
    }

    /// Whose password a link may set, without using it up: a password that is refused must not cost the link.
    /// - Throws: `auth.link_invalid`.
    func person(_ link: LinkToken, _ purpose: LinkToken.Purpose) async throws -> ID<User> {
        let found = try await database.first(
            .system,
            """
            select person_id from mailed_links
            where digest = \(SecretDigest(link.secret.reveal()).data) and purpose = \(purpose.rawValue) and expires_at > now()
            """
        ) { try $0.value("person_id", as: ID<User>.self) }
        guard let found else { throw Fault.linkInvalid }
        return found
    }

    /// Uses a link up, together with what `body` makes true.
    /// - Throws: `auth.link_invalid` when somebody was faster.
    func use(
        _ link: LinkToken, _ purpose: LinkToken.Purpose, _ body: @Sendable (ID<User>, EmailAddress, Transaction) async throws -> Void
    ) async throws {
        try await database.transaction(.system) { tx in
            let found = try await tx.first(
                """
                delete from mailed_links
                where digest = \(SecretDigest(link.secret.reveal()).data) and purpose = \(purpose.rawValue) and expires_at > now()
                returning person_id, email
                """
            ) { (person: try $0.value("person_id", as: ID<User>.self), email: EmailAddress(stored: try $0.value("email"))) }
            guard let found else { throw Fault.linkInvalid }
            try await body(found.person, found.email, tx)
        }
    }

    /// Gives a person the address that the link has proven to be theirs.
    /// - Throws: `auth.link_invalid`, `account.email_taken`.
    func changeEmail(_ link: LinkToken) async throws {
        do {
            try await use(link, .email) { person, email, tx in
                try await tx.pipeline([
                    """
                    update people set email = \(email.text), email_verified_at = now(), version = version + 1, change_key = null
                    where id = \(person)
                    """,
                    // What went to the old address must not change the account any more.
                    "delete from mailed_links where person_id = \(person)",
                ])
            }
        } catch let error as PostgresError where error.constraint == "people_email_unique" {
            throw Fault.emailTaken
        }
    }

    /// Forgets what is over, in portions so that no statement holds many locks.
    func sweep() async throws {
        try await database.execute(
            .system,
            """
            delete from mailed_links where digest in (
                select digest from mailed_links where expires_at < now() and created_at < now() - interval '1 hour'
                order by expires_at limit 1000 for update skip locked)
            """)
    }
}
