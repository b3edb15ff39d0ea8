import CommonAPI
import Contract
import ExecutionAPI
import GRPCCore
import HTTPTypes
import Hummingbird
import NIOCore
import Primitives
import ServiceKit
import SwiftProtobuf

/// `GET /api/v1/runs/{run}/status`: how a run stands, in one word, for curl in a script. Written by hand because its body is no message.
///
/// The word is the state in lower case: queued, running, passed, failed, error, cancelled, timed_out. `?wait=` waits like the run itself.
///
/// For whoever may read runs, and for whoever may know verdicts (`verdicts.read`), as keys of a CI: they send the results, and have to know how
/// it ends.
struct RunStatus: Sendable {
    let client: GRPCClient<ServiceTransport>

    func add(to endpoints: inout HTTPEndpoints) {
        endpoints.add(
            .get, "/api/v1/runs/{run}/status",
            HTTPEndpoint(access: .permission("authenticated"), cost: 1, produces: "text/plain") { try await respond($0) })
    }

    /// Who asks, as somebody who may read runs wherever they may know verdicts.
    /// - Throws: `auth.scope_missing`, `permission.missing`.
    private static func reader(_ exchange: Exchange) throws -> Caller {
        let caller = try exchange.caller()
        guard !caller.identity.permissions.contains("runs.read") else { return caller }
        if !caller.identity.holds("runs.read") { try exchange.principal?.identity.require("verdicts.read") }
        return Caller(identity: caller.identity.adding("runs.read", wherever: "verdicts.read"), requestID: caller.requestID)
    }

    private func respond(_ exchange: Exchange) async throws -> Response {
        var wait = 0
        for (name, value) in try exchange.target.query() {
            guard name == "wait" else { throw Fault.unknownParameter(name) }
            guard let seconds = Int(value), (0...60).contains(seconds) else { throw Fault.parameterInvalid(name, "0 to 60 seconds") }
            wait = seconds
        }
        let id = try exchange.parameter("run")
        let caller = try Self.reader(exchange)
        let isTrusted = caller.identity.lane == .trusted
        var run = try await self.run(id, wait: isTrusted ? wait : 0, exchange, caller)
        // A fork may know what became of its own results, and nothing of those of others: by waiting for one of them it would learn when that ends.
        guard isTrusted || run.lane == .untrusted else { throw Fault.notFound("run", id) }
        if !isTrusted, wait > 0 { run = try await self.run(id, wait: wait, exchange, caller) }
        guard let word = Self.word(run.state) else { throw Fault(.internal, "internal", "") }
        return Response(
            status: .ok, headers: [.contentType: "text/plain; charset=utf-8", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: word + "\n")))
    }

    /// - Parameter wait: seconds until it ends, at most.
    private func run(_ id: String, wait: Int, _ exchange: Exchange, _ caller: Caller) async throws -> PBRun {
        try await exchange.calling(as: caller, limit: .seconds(wait + 5)) {
            try await PBRuns.Client(wrapping: client).getRun(
                .with {
                    $0.run = id
                    $0.wait = Int32(wait)
                })
        }
    }

    private static func word(_ state: PBRun.State) -> String? {
        switch state {
        case .queued: "queued"
        case .running: "running"
        case .passed: "passed"
        case .failed: "failed"
        case .error: "error"
        case .cancelled: "cancelled"
        case .timedOut: "timed_out"
        case .unspecified, .UNRECOGNIZED: nil
        }
    }
}
