import GRPCCore
import GRPCProtobuf
import Primitives

// Fault ⇄ RPCError, total in both directions; the only place that knows both. A fault survives the way through any number of services: its
// code travels as ErrorInfo.reason, its fields as BadRequest violations, its delay as RetryInfo (google/rpc/error_details.proto).

extension RPCError {
    /// `fault` with its details in `grpc-status-details-bin`.
    package init(_ fault: Fault) {
        var details: [ErrorDetails] = [.errorInfo(.init(reason: fault.code, domain: Self.domain))]
        if !fault.fields.isEmpty {
            let violations = fault.fields.map { field in
                ErrorDetails.BadRequest.FieldViolation(
                    field: field.pointer, description: field.detail, reason: field.code, localizedMessage: nil)
            }
            details.append(.badRequest(.init(violations: violations)))
        }
        if let delay = fault.retryAfter { details.append(.retryInfo(.init(delay: delay))) }
        self.init(GoogleRPCStatus(code: fault.kind.rpcCode, message: fault.detail, details: details))
    }

    /// Marks `ErrorInfo` reasons that are fault codes of ours.
    static let domain = "assay"
}

extension Fault {
    /// The fault that another service answered with, or the nearest one for an error that gRPC itself made.
    package init(_ error: RPCError) {
        let details = (try? error.unpackGoogleRPCStatus())?.details ?? []
        guard let info = details.lazy.compactMap(\.errorInfo).first(where: { $0.domain == RPCError.domain }) else {
            self = .fromTransport(error)
            return
        }
        let violations = details.lazy.compactMap(\.badRequest).first?.violations ?? []
        self.init(
            FaultKind(error.code), info.reason, error.message,
            fields: violations.map { .init($0.field, $0.reason, $0.violationDescription) },
            retryAfter: details.lazy.compactMap(\.retryInfo).first?.delay)
    }

    /// An error without our details: the call never reached a handler, or the peer is not ours. The message may hold addresses, so a fixed
    /// sentence takes its place.
    private static func fromTransport(_ error: RPCError) -> Fault {
        switch error.code {
        case .deadlineExceeded: .deadlineExceeded
        case .cancelled: .cancelled
        case .unavailable: .unavailable("rpc.unavailable", "A service that this request needs cannot be reached.")
        case .unimplemented: Fault(.internal, "rpc.unimplemented", "The service does not know this method.")
        case .resourceExhausted: Fault(.exhausted, "rpc.too_large", "The message or its metadata is over the limit of the connection.")
        case .invalidArgument, .outOfRange: Fault(.invalid, "rpc.malformed", "The message cannot be decoded.")
        case .unauthenticated: .callerRefused
        case .permissionDenied: Fault(.forbidden, "rpc.forbidden", "The service refuses this caller.")
        default: Fault(FaultKind(error.code), "rpc.failed", "The call failed in transit.")
        }
    }

    /// The call took longer than whoever asked was willing to wait (504 at the gateway).
    package static var deadlineExceeded: Fault {
        .unavailable("rpc.deadline_exceeded", "The request took too long and was given up.")
    }

    /// Whoever asked has gone away.
    package static var cancelled: Fault {
        .unavailable("rpc.cancelled", "The request was cancelled.")
    }
}

extension FaultKind {
    var rpcCode: RPCError.Code {
        switch self {
        case .invalid: .invalidArgument
        case .unauthenticated: .unauthenticated
        case .forbidden: .permissionDenied
        case .notFound: .notFound
        case .conflict: .aborted
        case .precondition: .failedPrecondition
        case .exhausted: .resourceExhausted
        case .unavailable: .unavailable
        case .internal: .internalError
        }
    }

    init(_ code: RPCError.Code) {
        switch code {
        case .invalidArgument, .outOfRange: self = .invalid
        case .unauthenticated: self = .unauthenticated
        case .permissionDenied: self = .forbidden
        case .notFound: self = .notFound
        case .aborted, .alreadyExists: self = .conflict
        case .failedPrecondition: self = .precondition
        case .resourceExhausted: self = .exhausted
        case .unavailable, .deadlineExceeded, .cancelled: self = .unavailable
        default: self = .internal
        }
    }
}
