import AuditChain
import Foundation
import Logging
import Metrics
import Primitives

/// Follows every chain from its beginning once a day, and says so when one is not as it was written: in the log, in the metric
/// `audit_chains_broken`, and to whoever guards the organization.
struct VerifyAudit: Sendable {
    private static let page = 1000

    let store: AuditStore
    let security: SecurityLog
    let logger: Logger

    /// Called every hour.
    func round() async throws {
        try await store.signDue()
        while true {
            let tenants = try await store.claimForVerification()
            guard !tenants.isEmpty else { break }
            for tenant in tenants { try await check(tenant) }
        }
        Gauge(label: "audit_chains_broken").record(try await store.brokenChains())
    }

    private func check(_ tenant: ID<Tenant>) async throws {
        let (finding, number) = try await verify(tenant)
        try await store.record(finding, number: number, tenant: tenant)
        guard let finding else {
            logger.info("audit log verified", metadata: ["organization": "\(tenant)", "entries": "\(number)"])
            return
        }
        logger.critical(
            "the audit log is not as it was written",
            metadata: [
                "organization": "\(tenant)", "entry": "\(finding.number)", "finding": "\(finding.kind.rawValue)", "detail": "\(finding.detail)",
            ])
        security.record(.auditBroken(tenant: tenant, at: finding.number, finding: finding.kind.rawValue))
    }

    /// - Returns: what is wrong, if anything, and how many entries were in order.
    func verify(_ tenant: ID<Tenant>) async throws -> (finding: AuditVerifier.Finding?, number: Int64) {
        // Before the head, which only moves on: a checkpoint that knows more than the head means that entries were cut off.
        let newest = try await store.newestCheckpoint(of: tenant)
        let head = try await store.head(of: tenant)
        let length = head?.number ?? 0
        var verifier = AuditVerifier(organization: tenant.description)
        do {
            while verifier.number < length {
                let from = verifier.number
                let links = try await store.links(after: from, upTo: length, limit: Self.page, tenant: tenant)
                guard let last = links.last?.entry.number else { break }
                var checkpoints = try await store.checkpoints(after: from, upTo: last, tenant: tenant)[...]
                for link in links {
                    try verifier.take(link.entry, hash: link.hash)
                    while let next = checkpoints.first, next.number <= verifier.number {
                        try verifier.take(next)
                        checkpoints.removeFirst()
                    }
                }
            }
            if let newest, newest.number > verifier.number { try verifier.take(newest) }
            guard verifier.number == length, verifier.hash == head?.hash ?? .genesis else {
                throw AuditVerifier.Finding(.truncated, at: verifier.number + 1, "the chain has had \(length) entries, \(verifier.number) are here")
            }
            // Whoever can write the tables could compute a chain anew and sign it with a key of their own; `signDue` has signed with ours before.
            guard newest.map({ $0.publicKey == store.signer.publicKey }) ?? true else {
                throw AuditVerifier.Finding(.signature, at: newest?.number ?? 0, "the newest checkpoint was not signed by this installation")
            }
            return (nil, verifier.number)
        } catch let finding as AuditVerifier.Finding {
            return (finding, verifier.number)
        }
    }
}
