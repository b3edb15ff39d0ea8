import Foundation
import Logging
import Outbound
import Primitives

/// Carries out one case: fills in its variables and secrets, sends its request, judges the answer. Writes nothing.
struct ExecuteCase: Sendable {
    let outbound: OutboundClient
    let secrets: SecretStore
    /// Networks that the operator opened besides the public internet.
    let allowedNetworks: [Network]
    let userAgent: String
    let logger: Logger

    /// - Returns: nil when it was cancelled, because the process stops or the lease is lost, or when its secrets could not be asked for: then nothing
    ///   is known about the target, and the case is carried out again.
    func execute(_ claimed: ClaimedCase) async -> FinishedCase? {
        let startedAt = Date()
        let start = ContinuousClock.now
        var microseconds: Int64?
        let secrets: ProjectSecrets
        do {
            secrets = claimed.hasSecrets ? try await known(claimed) : .none
        } catch {
            logger.warning("a case's secrets cannot be read", metadata: ["run": "\(claimed.run)", "error": "\(error)"])
            // Of a key that is missing nothing changes by trying again.
            guard let fault = error as? Fault, fault.code.hasPrefix("sealing.") else { return nil }
            return FinishedCase(
                claimed: claimed, verdict: CaseVerdict(.secretsUnreadable, exchange: nil), startedAt: startedAt, microseconds: 0)
        }
        guard let verdict = await verdict(claimed, secrets, &microseconds)?.masked(secrets.mask) else { return nil }
        return FinishedCase(
            claimed: claimed, verdict: verdict, startedAt: startedAt, microseconds: microseconds ?? (ContinuousClock.now - start).microseconds)
    }

    private func known(_ claimed: ClaimedCase) async throws -> ProjectSecrets {
        try await secrets.known(project: claimed.project, run: claimed.run, tenant: claimed.tenant)
    }

    private func verdict(_ claimed: ClaimedCase, _ secrets: ProjectSecrets, _ microseconds: inout Int64?) async -> CaseVerdict? {
        var exchange: Exchange?
        do throws(CaseError) {
            let template = try claimed.http()
            let used = Variables.secrets(in: template.templates)
            let http = try template.filled(secrets.values.mapValues { $0.reveal() })
            let shownURL = used.isEmpty ? http.url : try template.shownURL(used)
            exchange = Exchange(method: http.method, url: shownURL)
            let request = try request(http, claimed)
            try check(request.url, shownURL, used, secrets)
            let start = ContinuousClock.now
            let response: HTTPResponse
            do throws(OutboundError) {
                response = try await outbound.send(request, policy: policy(http)) { secrets.allow(used, to: $0.origin) }
            } catch .cancelled {
                return nil
            } catch .redirectRefused(let origin) {
                try secrets.check(used, to: origin)
                throw CaseError("redirect_refused", "A redirect to \(origin) was not followed.")
            } catch {
                throw CaseError(error.code, error.detail)
            }
            // With redirects the client's phases are those of the last hop.
            let total = response.redirects.isEmpty ? response.phases.total : ContinuousClock.now - start
            microseconds = total.microseconds
            let answer = Answer(
                status: response.status, headers: response.headers.map { ($0.name, $0.value) }, body: response.body,
                milliseconds: Double(total.microseconds) / 1000, mask: secrets.mask)
            return CaseVerdict(
                answer, assertions: http.assertions, exchange: Exchange(http.method, shownURL, response, total: total, mask: secrets.mask))
        } catch {
            return CaseVerdict(error, exchange: exchange)
        }
    }

    /// - Throws: `secret_host_denied`.
    private func check(_ url: TargetURL, _ shownURL: String, _ used: Set<String>, _ secrets: ProjectSecrets) throws(CaseError) {
        guard !used.isEmpty else { return }
        // With marks in the place of secrets it has to be the same host, or one of them is part of it.
        guard (try? TargetURL(shownURL))?.origin == url.origin else { throw .secretInHost }
        try secrets.check(used, to: url.origin)
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
    fileprivate init(_ method: String, _ url: String, _ response: HTTPResponse, total: Duration, mask: SecretMask) {
        self.init(method: method, url: url)
        let phases = response.phases
        status = response.status
        address = "\(response.address)"
        timing = Timing(
            dns: phases.dns.microseconds, connect: (phases.connect - phases.dns).microseconds, tls: (phases.tls - phases.connect).microseconds,
            firstByte: (phases.firstByte - phases.tls).microseconds, total: total.microseconds)
        bodyBytes = Int64(response.body.count)
        bodyExcerpt = Excerpt.of(response.body, limit: Excerpt.bodyLimit, mask: mask)
    }
}

extension Duration {
    var microseconds: Int64 { components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000 }
}
