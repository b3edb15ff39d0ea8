import Foundation
import GRPCCore
import HealthAPI
import Primitives
import Synchronization
import TestSupport
import Testing

@testable import ServiceKit

@Suite struct ServerCallTests {
    static let rules = [
        Probe.rule("GetOpen", "public"), Probe.rule("GetMine", "authenticated"), Probe.rule("GetRun", "runs.read"),
        Probe.rule("StartRun", "runs.trigger"),
    ]
    static let probe = Probe(
        unary: Dictionary(uniqueKeysWithValues: ["GetOpen", "GetMine", "GetRun", "StartRun", "Internal"].map { ($0, { @Sendable _ in "ok" }) }))

    @Test(
        "who may call which method",
        arguments: [
            ("usr_1", ["runs.read"], "GetOpen", nil), ("usr_1", [], "GetMine", nil), ("usr_1", ["runs.read"], "GetRun", nil),
            ("usr_1", ["runs.read"], "StartRun", "permission.missing"), ("usr_1", [], "GetRun", "permission.missing"),
            ("key_1", ["runs.read", "runs.trigger"], "StartRun", nil), ("key_1", ["runs.*", "*"], "StartRun", "permission.missing"),
            ("key_1", ["runs.read", "runs.trigger"], "Internal", "caller.internal_method"),
            ("service:execution", [], "GetOpen", nil), ("service:execution", [], "GetRun", nil), ("service:execution", [], "StartRun", nil),
            ("service:execution", [], "Internal", nil), ("xservice:execution", [], "Internal", "caller.internal_method"),
        ] as [(String, Set<String>, String, String?)])
    func permissions(actor: String, held: Set<String>, method: String, refusal: String?) async throws {
        let caller = Caller(tenant: .new(), actor: actor, permissions: held)
        try await InProcess.serve([Self.probe], rules: Self.rules, as: caller) { (client) async throws in
            if let refusal {
                let fault = try await InProcess.fault { try await client.probe(method) }
                #expect(fault.code == refusal && fault.kind == .forbidden)
            } else {
                #expect(try await client.probe(method) == "ok")
            }
        }
    }

    @Test(
        "a service may call an internal method on behalf of the user it serves; the gateway may not",
        arguments: [("execution", true), ("gateway", false)])
    func onBehalf(issuer: String, allowed: Bool) async throws {
        try await InProcess.serve([Self.probe], rules: Self.rules, as: .user(), signedBy: issuer) { (client) async throws in
            if allowed {
                #expect(try await client.probe("Internal") == "ok")
            } else {
                #expect(try await InProcess.fault { try await client.probe("Internal") }.code == "caller.internal_method")
            }
        }
    }

    @Test(
        "a call without identity reaches public methods only",
        arguments: [("GetOpen", true), ("GetMine", false), ("GetRun", false), ("Internal", false)])
    func anonymous(method: String, allowed: Bool) async throws {
        try await InProcess.serve([Self.probe], rules: Self.rules, as: .user()) { (client) async throws in
            try await CallContext.$current.withValue(nil) { () async throws in
                if allowed {
                    #expect(try await client.probe(method) == "ok")
                } else {
                    #expect(try await InProcess.fault { try await client.probe(method) } == .callerRefused)
                }
            }
        }
    }

    @Test("identity in plain metadata is worth nothing, also to a public method", arguments: ["GetOpen", "GetMine"])
    func forged(method: String) async throws {
        try await InProcess.serve([Self.probe], rules: Self.rules, as: .user()) { (client) async throws in
            try await CallContext.$current.withValue(nil) { () async throws in
                let forged = CallerKeys(service: "gateway", key: Secret(Data(repeating: 1, count: 32)))
                let token = try forged.token(for: .service("gateway", tenant: .new()), audience: "served")
                let fault = try await InProcess.fault { try await client.probe(method, metadata: ["assay-caller": .string(token)]) }
                #expect(fault == .callerRefused)
            }
        }
    }

    @Test("the handler sees the caller, the request and the trace of whoever called")
    func context() async throws {
        let probe = Probe(unary: [
            "GetMine": { _ in
                let call = try #require(CallContext.current)
                return [Caller.current.actor, Caller.current.idempotencyKey ?? "-", call.requestID, call.trace.traceID].joined(separator: " ")
            }
        ])
        let caller = Caller(tenant: .new(), actor: "usr_7", permissions: [], requestID: "req_7", idempotencyKey: "again")
        try await InProcess.serve([probe], rules: Self.rules, as: caller) { (client) async throws in
            let trace = try #require(CallContext.current).trace.traceID
            #expect(try await client.probe("GetMine") == "usr_7 again req_7 \(trace)")
        }
    }

    @Test(
        "what a handler throws arrives as a fault",
        arguments: [
            (Fault.notFound("run", "run_1"), "run.not_found"), (Fault(.internal, "x.y", "z"), "x.y"), (CancellationError(), "rpc.cancelled"),
            (CocoaError(.fileNoSuchFile), "internal"), (RPCError(Fault(.exhausted, "quota.used_up", "d", retryAfter: .seconds(9))), "quota.used_up"),
            (RPCError(code: .unavailable, message: "10.0.0.1"), "rpc.unavailable"),
        ] as [(any Error & Sendable, String)])
    func thrown(error: any Error & Sendable, code: String) async throws {
        let probe = Probe(
            unary: ["GetMine": { _ in throw error }],
            streaming: [
                "GetRun": { writer in
                    try await writer.write(Probe.Text())
                    throw error
                }
            ])
        try await InProcess.serve([probe], rules: Self.rules, as: .user(["runs.read"])) { (client) async throws in
            let unary = try await InProcess.fault { try await client.probe("GetMine") }
            let streamed = try await InProcess.fault { try await client.probeStream("GetRun") }
            #expect(unary.code == code && streamed.code == code)
            #expect(!unary.detail.contains("NSCocoa") && !unary.detail.contains("10.0.0.1"))
            if let fault = error as? Fault { #expect(unary == fault && streamed == fault) }
        }
    }
}
