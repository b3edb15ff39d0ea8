import GRPCCore
import Primitives
import Testing

@testable import ServiceKit

@Suite struct FaultRPCTests {
    @Test("a fault of every kind survives the way to another service with all it says", arguments: FaultKind.allCases)
    func roundTrip(kind: FaultKind) {
        let fault = Fault(
            kind, "runs.some_code", "Something: with “quotes”.",
            fields: [.init("/assertions/0/value", "out_of_range", "1…200"), .init("limit", "invalid", "")],
            retryAfter: .milliseconds(1_250))
        #expect(Fault(RPCError(fault)) == fault)
        let plain = Fault(kind, "runs.other", "")
        #expect(Fault(RPCError(plain)) == plain)
        #expect(Fault(RPCError(Fault(RPCError(fault)))) == fault)
    }

    @Test(
        "every code that gRPC itself makes is a fault with a code of ours and none of its text",
        arguments: [
            (.cancelled, .unavailable, "rpc.cancelled"), (.unknown, .internal, "rpc.failed"), (.invalidArgument, .invalid, "rpc.malformed"),
            (.deadlineExceeded, .unavailable, "rpc.deadline_exceeded"), (.notFound, .notFound, "rpc.failed"),
            (.alreadyExists, .conflict, "rpc.failed"), (.permissionDenied, .forbidden, "rpc.forbidden"),
            (.resourceExhausted, .exhausted, "rpc.too_large"), (.failedPrecondition, .precondition, "rpc.failed"),
            (.aborted, .conflict, "rpc.failed"), (.outOfRange, .invalid, "rpc.malformed"), (.unimplemented, .internal, "rpc.unimplemented"),
            (.internalError, .internal, "rpc.failed"), (.unavailable, .unavailable, "rpc.unavailable"), (.dataLoss, .internal, "rpc.failed"),
            (.unauthenticated, .unauthenticated, "caller.refused"),
        ] as [(RPCError.Code, FaultKind, String)])
    func foreign(code: RPCError.Code, kind: FaultKind, expected: String) {
        let fault = Fault(RPCError(code: code, message: "connect 10.0.0.7:7102 refused"))
        #expect(fault.kind == kind && fault.code == expected)
        #expect(!fault.detail.contains("10.0.0.7"))
    }

    @Test("details that cannot be read do not get in the way")
    func garbage() {
        let error = RPCError(code: .notFound, message: "x", metadata: ["grpc-status-details-bin": .binary([0xFF, 0xFF, 0xFF])])
        #expect(Fault(error).kind == .notFound)
    }

    @Test("a deadline keeps its gRPC code and its fault")
    func deadline() {
        #expect(RPCError.deadlineExceeded.code == .deadlineExceeded)
        #expect(Fault(RPCError.deadlineExceeded) == .deadlineExceeded)
    }
}
