import Foundation
import Outbound
import Primitives

/// Brings a finished run to GitHub as a check run of its commit. Every request goes through the egress policy, as webhooks do.
///
/// A worker that dies in between leaves a check run behind whose id may not be known here: it is looked for by the event's id before another one is
/// made, and GitHub is asked how many annotations it has, because every update adds to them.
struct GitHubChecks: Sendable {
    static let version = "2022-11-28"

    let outbound: OutboundClient
    let policy: EgressPolicy
    let deliveries: DeliveryStore
    /// How people reach Assay.
    let publicURL: String?

    /// How one exchange went, in the words of deliveries.
    struct Outcome: Sendable {
        let answer: DeliveryPolicy.Answer
        let excerpt: String
    }

    func deliver(_ delivery: Delivery, to channel: Channel, token: Secret<String>, tenant: ID<Tenant>) async throws -> Outcome {
        let api = GitHubAPI(outbound: outbound, policy: policy, url: channel.url, repository: channel.repository, token: token)
        guard delivery.eventType == Event.runFinished else { return await api.outcome("GET", "") }
        let context = try await deliveries.checkContext(of: delivery.id, tenant: tenant)
        let run = CheckRun(
            event: delivery.event, body: delivery.body, failures: context.failures, publicURL: publicURL, repository: channel.repository)
        guard let run else { return Outcome(answer: .status(204, retryAfter: nil), excerpt: "") }
        var id = context.checkRun
        var known: CheckRun.Known?
        do {
            if let id {
                known = try await api.read("/check-runs/\(id)", as: GitHubAPI.Found.self)?.known
            } else if let found = try await api.find(run) {
                id = found.id
                known = found.known
                try await deliveries.recordCheckRun(found.id, of: delivery.id, tenant: tenant)
            }
            var last = Outcome(answer: .status(200, retryAfter: nil), excerpt: "")
            for step in run.steps(after: known) {
                let made = try await api.send(step, to: id)
                last = made.outcome
                if id == nil {
                    id = made.id
                    try await deliveries.recordCheckRun(made.id, of: delivery.id, tenant: tenant)
                }
            }
            return last
        } catch let refusal as GitHubAPI.Refusal {
            return refusal.outcome
        }
    }
}
