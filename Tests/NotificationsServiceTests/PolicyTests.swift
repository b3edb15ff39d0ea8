import Foundation
import Primitives
import Testing

@testable import NotificationsService

@Suite struct PolicyTests {
    @Test(
        "only 2xx ends a delivery well; what else follows depends on the answer",
        arguments: [
            (DeliveryPolicy.Answer.status(200, retryAfter: nil), 1, DeliveryPolicy.Step.delivered),
            (.status(204, retryAfter: nil), 3, .delivered),
            (.status(302, retryAfter: nil), 1, .retry(after: .seconds(5))),
            (.status(404, retryAfter: nil), 2, .retry(after: .seconds(300))),
            (.status(410, retryAfter: nil), 1, .gone),
            (.status(429, retryAfter: .seconds(60)), 1, .retry(after: .seconds(60))),
            (.status(429, retryAfter: .seconds(1)), 2, .retry(after: .seconds(300))),
            (.status(503, retryAfter: .seconds(1_000_000)), 1, .retry(after: .seconds(86_400))),
            (.nothing(code: "timeout", blocked: false), 9, .retry(after: .seconds(86_400))),
            (.nothing(code: "connect_failed", blocked: false), 10, .failed),
            (.nothing(code: "blocked_target", blocked: true), 1, .blocked),
        ])
    func step(answer: DeliveryPolicy.Answer, attempt: Int, expected: DeliveryPolicy.Step) {
        #expect(DeliveryPolicy.step(after: answer, attempt: attempt, spread: 0) == expected)
    }

    @Test("spread lengthens a delay by up to a tenth")
    func spread() {
        #expect(DeliveryPolicy.step(after: .status(500, retryAfter: nil), attempt: 1, spread: 1) == .retry(after: .milliseconds(5500)))
    }

    @Test("a signature is that of the Standard Webhooks reference")
    func signature() throws {
        // The example of the specification's libraries.
        let signature = try WebhookSignature.sign(
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp: 1_614_265_330, body: #"{"test": 2432232314}"#,
            secret: Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
        #expect(signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
    }

    @Test("a new secret is 32 random bytes")
    func secret() {
        let secrets = (0..<20).map { _ in WebhookSignature.newSecret().reveal() }
        #expect(Set(secrets).count == 20)
        #expect(secrets.allSatisfy { $0.hasPrefix("whsec_") && Data(base64Encoded: String($0.dropFirst(6)))?.count == 32 })
    }

    @Test("an event's type is two or three words", arguments: ["", "run", "run.", ".finished", "Run.finished", "run finished", "a.b.c.d", "run.\n"])
    func type(text: String) {
        #expect(!Event.isType(text))
        #expect(Event.isType("run.finished") && Event.isType("monitor.down") && Event.isType("a.b_c.d"))
    }

    @Test("an event that would not fit is refused")
    func size() {
        #expect {
            try Event(
                id: "evt_1", type: "run.finished", project: nil, occurredAt: Date(), data: "\"" + String(repeating: "x", count: 20_000) + "\"")
        } throws: { ($0 as? Fault)?.code == "events.too_large" }
    }
}
