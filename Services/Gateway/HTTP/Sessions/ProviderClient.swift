import Foundation
import Outbound
import Primitives

/// Asks an issuer for its keys (OpenID Connect Discovery 1.0): first where they are, then for them. Two requests to addresses that an administrator
/// of some organization chose, so both go out under the rules for such addresses (T58, T70–T76).
struct ProviderClient: Sendable {
    /// Each of the two, in seconds and bytes.
    static let timeLimit = 5
    static let bodyLimit = 1 << 20

    private let outbound: OutboundClient
    private let policy: EgressPolicy

    /// - Parameter networks: the operator's own, where issuers may be although they are private; by http as well, when named by address.
    init(outbound: OutboundClient = OutboundClient(), networks: [Network]) {
        self.outbound = outbound
        policy = EgressPolicy(
            allowedNetworks: networks, schemes: networks.isEmpty ? [.https] : [.http, .https], maximumRedirects: 0, allowsDowngrade: false)
    }

    /// Why keys could not be read. For the log.
    enum Failure: Error {
        case status(Int)
        case malformed(String)
        case otherIssuer
        case address(String)
    }

    private struct Discovery: Decodable {
        let issuer: String
        let jwks_uri: String
    }

    func keys(of issuer: String) async throws -> ProviderKeySet {
        let found = try await get(issuer + "/.well-known/openid-configuration")
        guard (try? JSONLint.check([UInt8](found))) != nil, let discovery = try? JSONDecoder().decode(Discovery.self, from: found) else {
            throw Failure.malformed("discovery document")
        }
        // Or one issuer could speak for another.
        guard discovery.issuer == issuer else { throw Failure.otherIssuer }
        guard let keys = ProviderKeySet(json: try await get(discovery.jwks_uri)) else { throw Failure.malformed("key set") }
        return keys
    }

    /// Whether an issuer can be asked at all, as far as its address alone tells.
    /// - Throws: `request.invalid` at `/issuer`.
    func check(issuer: String) throws(Fault) {
        do {
            let url = try address(issuer)
            guard !issuer.hasSuffix("/"), !issuer.contains("?"), !issuer.contains("#") else {
                throw OutboundError.invalidRequest("An issuer has no query and no slash at its end.")
            }
            if let reason = policy.refusal(of: url) { throw OutboundError.blockedTarget(reason) }
        } catch let error as OutboundError {
            throw error.fault(pointer: "/issuer")
        } catch {
            throw .invalidField("/issuer", "invalid", "This is no issuer.")
        }
    }

    private func get(_ text: String) async throws -> Data {
        var limits = TransferLimits()
        limits.total = .seconds(Self.timeLimit)
        limits.body = Self.bodyLimit
        let request = HTTPRequest(url: try address(text), headers: [HTTPHeader("accept", "application/json")], limits: limits)
        let answer = try await outbound.send(request, policy: policy)
        guard answer.status == 200 else { throw Failure.status(answer.status) }
        return answer.body
    }

    /// Keys that came in the clear are whose who changed them on the way; on the operator's own network, by address, that is the operator's choice.
    private func address(_ text: String) throws(OutboundError) -> TargetURL {
        let url = try TargetURL(text)
        if url.scheme == .http, case .name = url.host { throw .invalidRequest("An issuer is asked by https.") }
        return url
    }
}
