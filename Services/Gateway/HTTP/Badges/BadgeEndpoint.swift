import CommonAPI
import ExecutionAPI
import GRPCCore
import HTTPTypes
import Hummingbird
import NIOCore
import Primitives
import ServiceKit
import SwiftProtobuf

/// `GET /badges/{project}/{metric}.svg` and `.json`: how a project's newest finished run ended, for whoever has its badge token. The caller pays as
/// any other does who shows no key: by address.
///
/// Whatever cannot be shown looks the same: no such project, no such metric, no token, another project's token, one that was rotated away.
struct BadgeEndpoint: Sendable {
    /// Runs that are looked through for a finished one.
    private static let depth: Int32 = 50

    let tokens: BadgeTokenStore
    let signer: BadgeToken.Signer
    let projects: ProjectResolver
    let execution: GRPCClient<ServiceTransport>

    func add(to endpoints: inout HTTPEndpoints) {
        endpoints.add(.get, "/badges/{project}/{badge}", HTTPEndpoint(access: .everybody, cost: 1) { try await respond($0) })
    }

    private enum Form: String { case svg, json }

    private func respond(_ exchange: Exchange) async throws -> Response {
        // The form is what stands behind the last dot, also of a metric that there is not: `0.5.json` is asked for in JSON.
        let badge = try exchange.parameter("badge")
        let dot = badge.lastIndex(of: ".") ?? badge.endIndex
        let known = Form(rawValue: String(badge[dot...].dropFirst()))
        let form = known ?? .svg
        let query = try exchange.target.query()
        func parameter(_ name: String) -> String? { query.first { $0.name == name }?.value }
        let label = parameter("label")
        guard known != nil, let metric = StatusBadge.Metric(rawValue: String(badge[..<dot])),
            let token = parameter("token").flatMap(signer.verify), try await isOf(token, exchange)
        else { return Self.response(.notFound(label: label), form, exchange) }
        let run = try await newest(token, branch: parameter("branch").map { String($0.prefix(255)) }, exchange)
        return Self.response(StatusBadge(metric, label: label, run: run.flatMap(Self.ending)), form, exchange)
    }

    /// Whether the token is still good, and for the project of the path.
    private func isOf(_ token: BadgeToken, _ exchange: Exchange) async throws -> Bool {
        guard try await tokens.generation(of: token.project, tenant: token.tenant) == token.generation else { return false }
        let text = try exchange.parameter("project")
        do {
            return try await projects.find(text, tenant: token.tenant, for: exchange) == token.project
        } catch {
            guard Fault(answering: error).kind == .notFound || Fault(answering: error).kind == .invalid else { throw error }
            return false
        }
    }

    /// The newest finished run, of `main` or `master` when no branch is named and they have one. What forks send is not the project's.
    private func newest(_ token: BadgeToken, branch: String?, _ exchange: Exchange) async throws -> PBRun? {
        for branch in branch.map({ [$0] }) ?? ["main", "master", ""] {
            let listed = try await exchange.calling(as: .service("gateway", tenant: token.tenant, requestID: exchange.requestID), limit: .seconds(5))
            {
                try await PBRuns.Client(wrapping: execution).listRuns(
                    .with {
                        $0.project = token.project.description
                        $0.branch = branch
                        $0.lane = .trusted
                        $0.limit = Self.depth
                    })
            }
            if let run = listed.data.first(where: { Self.ending($0) != nil }) { return run }
        }
        return nil
    }

    private static func ending(_ run: PBRun) -> (ending: StatusBadge.Ending, numbers: StatusBadge.Numbers, isIncomplete: Bool)? {
        let ending: StatusBadge.Ending
        switch run.state {
        case .passed: ending = .passed
        case .failed: ending = .failed
        case .error: ending = .error
        case .cancelled: ending = .cancelled
        case .timedOut: ending = .timedOut
        case .queued, .running, .unspecified, .UNRECOGNIZED: return nil
        }
        let counts = run.counts
        return (
            ending, StatusBadge.Numbers(passed: counts.passed, failed: counts.failed, errored: counts.errored, skipped: counts.skipped),
            run.incomplete
        )
    }

    private static func response(_ badge: StatusBadge, _ form: Form, _ exchange: Exchange) -> Response {
        let text = form == .svg ? BadgeImage.svg(badge) : BadgeImage.json(badge)
        let tag = EntityTag.weak(Array(text.utf8))
        var headers: HTTPFields = [
            .contentType: form == .svg ? "image/svg+xml; charset=utf-8" : "application/json", .cacheControl: "max-age=60", .eTag: tag,
            .accessControlAllowOrigin: "*",
        ]
        // Opened by itself an image is a document of this origin: it may do nothing.
        headers[.contentSecurityPolicy] = "default-src 'none'; sandbox"
        if !badge.isError, let known = exchange.head.ifNoneMatch, known == "*" || known.split(separator: ",").contains(where: { $0.trimmed == tag }) {
            return Response(status: .notModified, headers: headers)
        }
        return Response(status: badge.isError ? .notFound : .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}
