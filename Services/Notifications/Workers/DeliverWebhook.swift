import Foundation
import Jobs
import Outbound
import Primitives

/// Sends one delivery, to GitHub where that is the channel. Only an answer of 2xx ends it well; the schedule of further attempts is `DeliveryPolicy`'s, not the job runner's.
///
/// A worker that dies between sending and recording sends again: receivers see the same `webhook-id` twice, never none.
struct DeliverWebhook: JobHandler {
    struct Payload: JobPayload {
        static let kind = "deliver-webhook"

        let delivery: ID<Delivery>
        /// Where the schedule starts: 1, or after a replay the number of the attempt that follows.
        var firstAttempt: Int32 = 1
    }

    /// Above `DeliveryPolicy.delays`, which decides when to stop.
    static let maxAttempts = 50
    static let concurrency = 16

    let channels: ChannelStore
    let deliveries: DeliveryStore
    let outbound: OutboundClient
    let policy: EgressPolicy
    let checks: GitHubChecks

    func handle(_ payload: Payload, _ job: Job) async throws {
        let delivery = try await deliveries.get(payload.delivery, tenant: job.tenant)
        guard delivery.state == .pending, let target = try await channels.target(delivery.channel, tenant: job.tenant) else { return }
        guard target.channel.enabled else { throw Fault.channelDisabled(target.channel.id) }

        let clock = ContinuousClock()
        let start = clock.now
        let (answer, excerpt) =
            switch target.channel.kind {
            case .webhook: await send(delivery, to: target.channel, secret: target.secret)
            case .github: try await check(delivery, target.channel, token: target.secret, tenant: job.tenant)
            }
        let number = delivery.attempts + 1
        let step = DeliveryPolicy.step(after: answer, attempt: Int(number - payload.firstAttempt + 1), spread: .random(in: 0...1))
        let attempt = Attempt(
            number: number, at: Date(), status: answer.statusCode, error: answer.errorCode,
            milliseconds: Int64((clock.now - start) / .milliseconds(1)),
            excerpt: excerpt)
        try await settle(step, attempt, delivery, tenant: job.tenant)
    }

    private func settle(_ step: DeliveryPolicy.Step, _ attempt: Attempt, _ delivery: Delivery, tenant: ID<Tenant>) async throws {
        func record(_ state: Delivery.State, retryIn delay: Duration? = nil) async throws {
            try await deliveries.record(attempt, of: delivery.id, state: state, retryIn: delay, tenant: tenant)
        }
        switch step {
        case .delivered: try await record(.delivered)
        case .failed: try await record(.failed)
        case .blocked: try await record(.blocked)
        case .gone:
            try await record(.failed)
            try await channels.disable(delivery.channel, reason: "gone", tenant: tenant)
        case .retry(let delay):
            try await record(.pending, retryIn: delay)
            throw Fault.notDelivered(
                "Attempt \(attempt.number) ended with \(attempt.error.isEmpty ? "\(attempt.status)" : attempt.error).", retryAfter: delay)
        }
    }

    private func check(
        _ delivery: Delivery, _ channel: Channel, token: Secret<String>, tenant: ID<Tenant>
    ) async throws -> (DeliveryPolicy.Answer, excerpt: String) {
        let outcome = try await checks.deliver(delivery, to: channel, token: token, tenant: tenant)
        return (outcome.answer, outcome.excerpt)
    }

    private func send(_ delivery: Delivery, to channel: Channel, secret: Secret<String>) async -> (DeliveryPolicy.Answer, excerpt: String) {
        do {
            let now = Int64(Date().timeIntervalSince1970)
            let signature = try WebhookSignature.sign(id: delivery.event, timestamp: now, body: delivery.body, secret: secret)
            let request = HTTPRequest(
                method: "POST", url: try TargetURL(channel.url),
                headers: [
                    HTTPHeader("Content-Type", "application/json"), HTTPHeader("User-Agent", "Assay-Webhooks/1"),
                    HTTPHeader("webhook-id", delivery.event), HTTPHeader("webhook-timestamp", "\(now)"), HTTPHeader("webhook-signature", signature),
                ],
                body: Data(delivery.body.utf8), limits: .webhook)
            let response = try await outbound.send(request, policy: policy)
            let excerpt = String(decoding: response.body.prefix(Attempt.maxExcerptBytes), as: UTF8.self).replacing("\0", with: "")
            let asked = response.headers.first("Retry-After").flatMap(Int.init).map { Duration.seconds(max(0, $0)) }
            return (.status(response.status, retryAfter: asked), excerpt)
        } catch let error as OutboundError {
            if case .blockedTarget = error { return (.nothing(code: error.code, blocked: true), error.detail) }
            return (.nothing(code: error.code, blocked: false), error.detail)
        } catch {
            return (.nothing(code: "internal", blocked: false), "")
        }
    }
}

extension DeliveryPolicy.Answer {
    fileprivate var statusCode: Int32 {
        if case .status(let status, _) = self { Int32(status) } else { 0 }
    }

    fileprivate var errorCode: String {
        if case .nothing(let code, _) = self { code } else { "" }
    }
}
