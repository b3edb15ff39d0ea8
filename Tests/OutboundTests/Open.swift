import Foundation
import Outbound
import Primitives
import TestSupport

/// What most tests here need: a client, and policies that let it reach the servers on loopback.
enum Open {
    static let loopback = [network("127.0.0.0/8"), network("::1/128")]
    static let tests = EgressPolicy.tests(allowing: loopback)
    static let webhooks = EgressPolicy.webhooks(allowing: loopback)

    /// The texts are literals of the tests; a mistyped one should stop the run.
    static func network(_ text: String) -> Network { try! Network(text) }
    static func address(_ text: String) -> IPAddress { IPAddress(text)! }

    static func client(
        inFlight: Int = 128, waiting: Int = 8192, authorities: String? = nil, resolver: Resolver = .system, lifetime: Duration = .seconds(30)
    ) -> OutboundClient {
        var limits = OutboundLimits()
        limits.inFlight = inFlight
        limits.waiting = waiting
        limits.authorities = authorities
        limits.addressLifetime = lifetime
        return OutboundClient(limits: limits, resolver: resolver)
    }
}

extension OutboundClient {
    func get(_ url: String, policy: EgressPolicy = Open.tests, limits: TransferLimits = .init()) async throws(OutboundError) -> HTTPResponse {
        try await send(HTTPRequest(url: TargetURL(url), limits: limits), policy: policy)
    }

    /// The error of a request that must not succeed, or nil when it did.
    func failure(_ url: String, policy: EgressPolicy = Open.tests, limits: TransferLimits = .init()) async -> OutboundError? {
        do throws(OutboundError) {
            _ = try await get(url, policy: policy, limits: limits)
            return nil
        } catch {
            return error
        }
    }
}

extension HTTPResponse {
    var text: String { String(decoding: body, as: UTF8.self) }
}
