import Foundation
import Primitives

/// A case that one worker holds the lease of.
struct ClaimedCase: Sendable {
    let tenant: ID<Tenant>
    let run: ID<Run>
    let id: ID<Case>
    let project: ID<Project>
    let suiteName: String
    let name: String
    /// `HTTPCase` as JSON; read where it is executed, not where it is claimed, so that one broken case does not hold up a batch.
    let definition: String
    /// Counts from 1.
    let attempt: Int
    let epoch: Int64
    /// The run begins with this claim.
    let isFirst: Bool
    /// Whether its project has secrets, which must be known before it is carried out; true also where nobody has looked.
    var hasSecrets: Bool

    var fence: Fence { Fence(tenant: tenant, run: run, id: id, epoch: epoch) }

    func having(secrets: Bool) -> ClaimedCase {
        var claimed = self
        claimed.hasSecrets = secrets
        return claimed
    }

    /// - Throws: `invalid_definition`, which no suite that Projects took should bring about.
    func http() throws(CaseError) -> HTTPCase {
        do {
            return try JSONDecoder().decode(HTTPCase.self, from: Data(definition.utf8))
        } catch {
            throw CaseError("invalid_definition", "The case as it was stored cannot be read; start the run again.")
        }
    }
}

/// What every write about a claimed case names: a lease of which a later one exists is worth nothing.
struct Fence: Hashable, Sendable {
    let tenant: ID<Tenant>
    let run: ID<Run>
    let id: ID<Case>
    let epoch: Int64
}

/// A case that has been executed and not yet recorded.
struct FinishedCase: Sendable {
    let claimed: ClaimedCase
    let verdict: CaseVerdict
    let startedAt: Date
    let microseconds: Int64

    func withVerdict(_ verdict: CaseVerdict) -> FinishedCase {
        FinishedCase(claimed: claimed, verdict: verdict, startedAt: startedAt, microseconds: microseconds)
    }
}

/// A case of a run that starts, ready to wait in the queue.
struct PlannedCase: Sendable {
    let id: ID<Case>
    let name: String
    let http: HTTPCase
}

/// A case that was taken out of the queue because its run was cancelled.
struct DroppedCase: Sendable {
    let id: ID<Case>
    let name: String
    /// As often as it had been claimed.
    let attempt: Int
}
