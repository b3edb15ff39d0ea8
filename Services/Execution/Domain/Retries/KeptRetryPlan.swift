import Foundation
import Primitives

/// A plan that a build was given, and acted on, with all that it was made from.
struct KeptRetryPlan: Identified, Sendable {
    static let idPrefix = "rpl"
    /// Of one run. A build asks once a try, but each of its machines does.
    static let most = 1_000

    let id: ID<KeptRetryPlan>
    let project: ID<Project>
    let run: ID<Run>
    let uploads: [ID<Upload>]
    let edition: Int32
    let policy: RetryPolicy
    let policyVersion: Int64
    let counts: RetryCounts
    let inputHash: Data
    let decidedAt: Date
    /// A `RetryBasis`. Empty in lists.
    var bytes = Data()

    /// - Throws: `retry_plans.not_replayable`.
    func basis() throws(Fault) -> RetryBasis {
        do {
            return try JSONDecoder().decode(RetryBasis.self, from: bytes)
        } catch {
            throw Fault.retryNotReplayable("What was known when plan \(id) was made cannot be read.")
        }
    }
}

/// The same plan once more, by the edition that made it, from what was known then.
struct RetryReplay: Sendable {
    let kept: KeptRetryPlan
    let plan: RetryPlan
    let inputHash: Data

    /// - Parameter editions: that there are.
    /// - Throws: `retry_plans.not_replayable`.
    init(_ kept: KeptRetryPlan, among editions: [RetryEdition] = RetryEdition.released) throws {
        guard let edition = RetryEdition.numbered(kept.edition, among: editions) else {
            throw Fault.retryNotReplayable("This release no longer has edition \(kept.edition) of how tries are decided.")
        }
        self.kept = kept
        plan = RetryPlan(try kept.basis().question, by: edition)
        inputHash = RetryBasis.hash(of: try RetryBasis(plan).encoded())
    }

    /// All of it comes to the same, each test's decision included, and what is kept is what was kept then.
    var agrees: Bool { inputHash == kept.inputHash && RetryBasis.hash(of: kept.bytes) == kept.inputHash && plan.counts == kept.counts }
}

extension Fault {
    static func retryNotReplayable(_ detail: String) -> Fault { Fault(.precondition, "retry_plans.not_replayable", detail) }

    static func retryPlansFull(_ run: ID<Run>) -> Fault {
        Fault(.precondition, "retry_plans.full", "Run \(run) has \(KeptRetryPlan.most) retry plans; no further one is made of it.")
    }
}
