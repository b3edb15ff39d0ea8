import Foundation
import Outbound
import Primitives

/// Carries out one case: fills in its variables, sends its request, judges the answer. Writes nothing.
struct ExecuteCase: Sendable {
    let outbound: OutboundClient
    /// Networks that the operator opened besides the public internet.
    let allowedNetworks: [Network]
    let userAgent: String

    /// - Returns: nil when it was cancelled, because the process stops or the lease is lost: then nothing is known about the target.
    func execute(_ claimed: ClaimedCase) async -> FinishedCase? {
        let startedAt = Date()
        let start = ContinuousClock.now
        var microseconds: Int64?
        guard let verdict = await verdict(claimed, &microseconds) else { return nil }
        return FinishedCase(
            claimed: claimed, verdict: verdict, startedAt: startedAt, microseconds: microseconds ?? (ContinuousClock.now - start).microseconds)
    }

    private func verdict(_ claimed: ClaimedCase, _ microseconds: inout Int64?) async -> CaseVerdict? {
        var exchange: Exchange?
        do throws(CaseError) {
            let http = try claimed.http().filled()
            exchange = Exchange(method: http.method, url: http.url)
            let request = try request(http, claimed)
            let start = ContinuousClock.now
            let response: HTTPResponse
            do throws(OutboundError) {
                response = try await outbound.send(request, policy: policy(http))
            } catch .cancelled {
                return nil
            } catch {
                throw CaseError(error.code, error.detail)
            }
            // With redirects the client's phases are those of the last hop.
            let total = response.redirects.isEmpty ? response.phases.total : ContinuousClock.now - start
            microseconds = total.microseconds
            let answer = Answer(
                status: response.status, headers: response.headers.map { ($0.name, $0.value) }, body: response.body,
                milliseconds: Double(total.microseconds) / 1000)
            return CaseVerdict(answer, assertions: http.assertions, exchange: Exchange(http, response, total: total))
        } catch {
            return CaseVerdict(error, exchange: exchange)
        }
    }

    private func policy(_ http: HTTPCase) -> EgressPolicy {
        EgressPolicy(allowedNetworks: allowedNetworks, maximumRedirects: http.followRedirects ? EgressPolicy.redirectLimit : 0)
    }

    private func request(_ http: HTTPCase, _ claimed: ClaimedCase) throws(CaseError) -> HTTPRequest {
        let url: TargetURL
        do throws(OutboundError) { url = try TargetURL(http.url) } catch { throw CaseError(error.code, error.detail) }
        // What we say about ourselves cannot be overwritten by a case: targets count our requests by it (R08).
        let own = [
            HTTPHeader("assay-run-id", claimed.run.description), HTTPHeader("assay-case-id", claimed.id.description),
            HTTPHeader("assay-attempt", "\(claimed.attempt)"),
        ]
        var headers = http.headers.map { HTTPHeader($0.name, $0.value) }.without(Set(own.map(\.name))) + own
        if headers.first("user-agent") == nil { headers.append(HTTPHeader("User-Agent", userAgent)) }
        var limits = TransferLimits()
        limits.total = .milliseconds(http.timeout)
        // The case's own timeout is the only one that its author knows of.
        limits.idle = limits.total
        return HTTPRequest(method: http.method, url: url, headers: headers, body: Data(http.body.utf8), limits: limits)
    }
}

extension Exchange {
    fileprivate init(_ http: HTTPCase, _ response: HTTPResponse, total: Duration) {
        self.init(method: http.method, url: http.url)
        let phases = response.phases
        status = response.status
        address = "\(response.address)"
        timing = Timing(
            dns: phases.dns.microseconds, connect: (phases.connect - phases.dns).microseconds, tls: (phases.tls - phases.connect).microseconds,
            firstByte: (phases.firstByte - phases.tls).microseconds, total: total.microseconds)
        bodyBytes = Int64(response.body.count)
        bodyExcerpt = Excerpt.of(response.body, limit: Excerpt.bodyLimit)
    }
}

extension Duration {
    var microseconds: Int64 { components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000 }
}
