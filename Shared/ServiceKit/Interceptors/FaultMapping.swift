import GRPCCore
import Logging
import Postgres
import Primitives

/// Turns whatever a handler throws into the error that leaves the process. Causes are logged, never sent.
struct FaultMapping: Sendable {
    let logger: Logger

    func rpcError(for error: any Error, method: String) -> RPCError {
        switch error {
        case let fault as Fault where fault == .deadlineExceeded:
            return .deadlineExceeded
        case let fault as Fault:
            if fault.kind == .internal { log(error, method) }
            return RPCError(fault)
        case let error as RPCError where error.code == .deadlineExceeded:
            return .deadlineExceeded
        case let error as RPCError:
            let fault = Fault(error)
            if fault.kind == .internal { log(error, method) }
            return RPCError(fault)
        case is CancellationError:
            return RPCError(.cancelled).with(code: .cancelled)
        case let error as PostgresError:
            if error.fault.kind != .invalid { log(error, method) }
            return RPCError(error.fault)
        default:
            log(error, method)
            return RPCError(.unexpected)
        }
    }

    private func log(_ error: any Error, _ method: String) {
        logger.error("a call failed", metadata: ["method": "\(method)", "cause": "\(String(reflecting: error))"])
    }
}

extension RPCError {
    static var deadlineExceeded: RPCError { RPCError(.deadlineExceeded).with(code: .deadlineExceeded) }

    /// Deadline and cancellation have gRPC codes of their own but are one kind of fault.
    fileprivate func with(code: Code) -> RPCError {
        var copy = self
        copy.code = code
        return copy
    }
}

extension Fault {
    static var unexpected: Fault {
        Fault(.internal, "internal", "Something went wrong on our side. The request id identifies it in our logs.")
    }
}
