import Crypto
import Foundation
import GRPCCore
import Jobs
import Logging
import NotificationsAPI
import Passwords
import Postgres
import Primitives
import Sealing
import ServiceKit
import ServiceLifecycle

/// Everything that has to do with people, put together: what the door asks, the methods, the jobs, and what runs all the time.
struct PeopleAssembly: Sendable {
    let sessions: PersonSessions
    let mailer: Mailer
    let accounts: Accounts
    let rpc: [any RegistrableRPCService]
    let jobs: [any JobHandler]
    let services: [any Service]

    /// What it takes to make accounts, for whoever else makes some.
    struct Accounts: Sendable {
        let mailer: Mailer
        let hasher: PasswordHasher
        let policy: PasswordPolicy
    }

    init(
        config: GatewayConfig, database: Database, vault: Vault, queue: JobQueue, notifications: any PBMail.ClientProtocol, security: SecurityLog,
        logger: Logger
    ) throws {
        let secret = config.secret.reveal()
        let people = PeopleStore(database: database)
        let members = MemberStore(database: database, superAdmins: config.superAdmins)
        let links = LinkStore(database: database)
        let tries = SignInStore(database: database)
        let hasher = PasswordHasher(peppers: config.peppers)
        let policy = PasswordPolicy(common: CommonPasswords(list: (try? String(contentsOfFile: config.commonPasswords, encoding: .utf8)) ?? ""))
        let mailer = try Mailer(site: config.publicURL, jobs: queue, vault: vault, notifications: notifications)
        let keys = SigningKeys(store: SigningKeyStore(database: database), vault: vault, logger: logger)
        let signIn = SignIn(
            people: people, tries: tries, hasher: hasher, factors: SecondFactors(people: people, tries: tries, vault: vault), security: security)
        let store = SessionStore(database: database)
        let sessions = PersonSessions(
            store: store, people: people, members: members, keys: keys,
            parties: AccessToken.Parties(issuer: config.publicURL, audience: config.publicURL + "/api/v1"), signIn: signIn)
        let refreshKey = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: secret), info: Data("assay refresh 1".utf8), outputByteCount: 32)
        self.sessions = sessions
        self.mailer = mailer
        accounts = Accounts(mailer: mailer, hasher: hasher, policy: policy)
        rpc = [
            RegistrationRPC(
                people: people, members: members, links: links, tries: tries, hasher: hasher, policy: policy, mailer: mailer,
                isOpen: config.isRegistrationOpen),
            SessionsRPC(
                sessions: sessions, refreshTokens: RefreshTokenStore(database: database, key: refreshKey), mailer: mailer, security: security),
            AccountRPC(people: people, links: links, signIn: signIn, hasher: hasher, policy: policy, mailer: mailer),
        ]
        jobs = [SendMail(vault: vault, notifications: notifications)]
        services = [
            Ticker("signing-keys", every: .seconds(60), logger: logger) { try await keys.refresh() },
            Ticker("sweep-people", every: .seconds(60), logger: logger) {
                try await store.sweep()
                try await links.sweep()
                try await tries.sweep()
            },
        ]
    }
}
