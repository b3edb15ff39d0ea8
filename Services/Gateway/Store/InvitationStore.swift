import Audit
import Foundation
import Postgres
import Primitives

/// Invitations: all SQL on them.
struct InvitationStore: Sendable {
    let database: Database

    private static let columns: SQL = """
        i.id, i.email, i.role, i.is_owner, i.invited_by, i.created_at, i.expires_at, i.accepted_at, i.revoked_at,
        r.id as role_id, r.name as role_name, r.permissions as role_permissions, r.created_at as role_created_at,
        r.version as role_version
        """
    private static let source: SQL = "from invitations i left join roles r on r.tenant_id = i.tenant_id and r.id = i.role_id"

    /// An invitation that is to be stored.
    struct Draft: Sendable {
        let email: String
        let role: AssignedRole
        let isOwner: Bool
        let invitedBy: String
        let token: Secret<String>
        let expiresAt: Date
        /// A request that is repeated after a crash gives its invitation a new token; nobody has seen the first one.
        let idempotencyKey: String?
    }

    /// Takes the place of an open invitation of the same address.
    /// - Throws: `invitations.already_member`, `invitations.too_many`.
    func insert(_ draft: Draft, tenant: ID<Tenant>, in tx: Transaction) async throws -> Invitation {
        let isMember = try await tx.one(
            """
            select exists (select from users u join people p on p.id = u.id
                           where u.tenant_id = \(tenant) and u.removed_at is null and p.email = \(draft.email)) as is_member
            """
        ) { try $0.value("is_member", as: Bool.self) }
        if isMember { throw Fault.alreadyMember }
        try await tx.execute(
            """
            update invitations set revoked_at = now()
            where tenant_id = \(tenant) and email = \(draft.email) and accepted_at is null and revoked_at is null
              and (\(draft.idempotencyKey)::text is null or idempotency_key is distinct from \(draft.idempotencyKey))
            """)
        let open = try await tx.one(
            """
            select count(*) as n from invitations
            where tenant_id = \(tenant) and accepted_at is null and revoked_at is null and expires_at > now()
            """
        ) { try $0.value("n", as: Int64.self) }
        guard open < Invitation.mostOpen else { throw Fault.tooManyInvitations(Invitation.mostOpen) }
        let (id, isNew) = try await tx.one(
            """
            insert into invitations (tenant_id, id, email, role, role_id, is_owner, digest, invited_by, expires_at, idempotency_key)
            values (\(tenant), \(ID<Invitation>.new()), \(draft.email), \(draft.role.word), \(draft.role.customID), \(draft.isOwner),
                    \(SecretDigest(draft.token.reveal()).data), \(draft.invitedBy), \(draft.expiresAt), \(draft.idempotencyKey))
            on conflict on constraint invitations_idempotency_key_unique do update set digest = excluded.digest
            returning id, xmax = 0 as is_new
            """
        ) { (try $0.value("id", as: ID<Invitation>.self), try $0.value("is_new", as: Bool.self)) }
        if isNew {
            // Whom it is for the invitation says; an address stays out of what is kept for ever.
            try await tx.audit(id, details: ["role": draft.role.text, "owner": "\(draft.isOwner)"])
        } else {
            AuditedCall.changedNothing()
        }
        return try await tx.one(Self.one(id, tenant)) { try Invitation(row: $0) }
    }

    /// Newest first.
    func list(_ page: PageRequest, tenant: ID<Tenant>) async throws -> Page<Invitation> {
        let before = try page.after(ID<Invitation>.self)
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select \(fragment: Self.columns) \(fragment: Self.source)
            where i.tenant_id = \(tenant) and (\(before)::uuid is null or i.id < \(before))
            order by i.id desc
            limit \(page.limit + 1)
            """
        ) { try Invitation(row: $0) }
        return Page(rows: rows, limit: page.limit) { $0.id.description }
    }

    /// Revoking twice is the same as once.
    /// - Throws: `invitation.not_found`, `invitations.closed` once it was accepted.
    func revoke(_ id: ID<Invitation>, tenant: ID<Tenant>) async throws {
        try await database.transaction(.tenant(tenant)) { tx in
            let found = try await tx.first(
                """
                select accepted_at is not null as is_accepted, revoked_at is not null as is_revoked from invitations
                where tenant_id = \(tenant) and id = \(id)
                for update
                """
            ) { (isAccepted: try $0.value("is_accepted", as: Bool.self), isRevoked: try $0.value("is_revoked", as: Bool.self)) }
            guard let found else { throw Fault.notFound("invitation", id) }
            if found.isAccepted { throw Fault.invitationClosed }
            if found.isRevoked { return AuditedCall.changedNothing() }
            try await tx.execute("update invitations set revoked_at = now() where tenant_id = \(tenant) and id = \(id)")
            try await tx.audit(id)
        }
    }

    /// What an acceptance has made.
    struct Acceptance: Sendable {
        let tenant: ID<Tenant>
        let organization: String
        let member: ID<User>
        let isNewPerson: Bool
    }

    /// An open invitation and the account of its address.
    struct Offer: Sendable {
        let tenant: ID<Tenant>
        let organization: String
        let email: String
        /// `nil` for an address without an account.
        let person: ID<User>?
    }

    /// What a token offers; `nil` for one that is unknown, over, or of an organization that is.
    func offer(_ token: String) async throws -> Offer? {
        // Whose invitation it is only the row says, so this looks across tenants.
        try await database.first(
            .system,
            """
            select i.tenant_id, o.name as organization, i.email, p.id as person
            from invitations i
            join organizations o on o.tenant_id = i.tenant_id and o.deactivated_at is null and o.suspended_at is null
            left join people p on p.email = i.email
            where i.digest = \(SecretDigest(token).data) and i.accepted_at is null and i.revoked_at is null and i.expires_at > now()
            """
        ) {
            Offer(
                tenant: try $0.value("tenant_id"), organization: try $0.value("organization"), email: try $0.value("email"),
                person: try $0.value("person"))
        }
    }

    /// Makes whoever holds the token a member, once. The mailed token proves that the address is theirs.
    /// - Parameters:
    ///   - name, password: of an account that is to be made; the password as it is stored.
    ///   - seats: that the organization has; `nil` for as many as come.
    /// - Throws: `invitation.invalid`; of many at once one wins, since the update locks the row. `quota_exceeded`.
    func accept(_ token: String, offer: Offer, name: String, password: String? = nil, seats: QuotaLimit? = nil) async throws -> Acceptance {
        let tenant = offer.tenant
        let members = MemberStore(database: database)
        // Accounts belong to no tenant.
        return try await database.transaction(.system) { tx in
            try await members.lock(tenant, in: tx)
            let taken = try await tx.first(
                """
                update invitations set accepted_at = now()
                where tenant_id = \(tenant) and digest = \(SecretDigest(token).data) and accepted_at is null and revoked_at is null
                  and expires_at > now()
                returning id, role, role_id, is_owner
                """
            ) {
                (
                    id: try $0.value("id", as: ID<Invitation>.self), role: try $0.value("role", as: String.self),
                    custom: try $0.value("role_id", as: ID<CustomRole>?.self),
                    isOwner: try $0.value("is_owner", as: Bool.self)
                )
            }
            guard let taken else { throw Fault.invitationInvalid }
            try await members.requireSeat(seats, tenant: tenant, now: Date(), in: tx)
            // A name is looked at before it is known whether there is an account, so there must be one.
            // A password that was set before anybody had proved the address may be a stranger's.
            try await tx.execute(
                """
                insert into people (id, email, name, password, email_verified_at)
                values (\(ID<User>.new()), \(offer.email), \(name.isEmpty ? String(offer.email.prefix(100)) : name), \(password), now())
                on conflict on constraint people_email_unique do update
                set email_verified_at = coalesce(people.email_verified_at, now()),
                    password = case when people.email_verified_at is not null then people.password end
                """)
            let person = try await tx.one("select id, name from people where email = \(offer.email)") {
                (id: try $0.value("id", as: ID<User>.self), name: try $0.value("name", as: String.self))
            }
            try await tx.execute(
                """
                insert into users (tenant_id, id, name, role, role_id, is_owner)
                values (\(tenant), \(person.id), \(person.name), \(taken.role), \(taken.custom), \(taken.isOwner))
                on conflict on constraint users_pkey do update
                set role = excluded.role, role_id = excluded.role_id, is_owner = excluded.is_owner, deactivated_at = null, removed_at = null,
                    created_at = now(), version = users.version + 1, change_key = null
                where users.removed_at is not null
                """)
            try await tx.audit(
                taken.id,
                details: ["member": person.id.description, "role": taken.custom?.description ?? taken.role, "owner": "\(taken.isOwner)"],
                tenant: tenant, actor: person.id)
            return Acceptance(tenant: tenant, organization: offer.organization, member: person.id, isNewPerson: offer.person == nil)
        }
    }

    private static func one(_ id: ID<Invitation>, _ tenant: ID<Tenant>) -> SQL {
        "select \(fragment: columns) \(fragment: source) where i.tenant_id = \(tenant) and i.id = \(id)"
    }
}

extension Invitation {
    init(row: Row) throws {
        self.init(
            id: try row.value("id"), email: try row.value("email"), role: try AssignedRole(row: row), isOwner: try row.value("is_owner"),
            invitedBy: try row.value("invited_by"), createdAt: try row.value("created_at"), expiresAt: try row.value("expires_at"),
            acceptedAt: try row.value("accepted_at"), revokedAt: try row.value("revoked_at"))
    }
}
