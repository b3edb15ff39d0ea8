import Contract
import FrameTransport
import GRPCCore
import Logging
import Primitives

/// Everything that stands between the transport and a handler: identity, permission, deadline, faults, metrics and the access log.
///
/// One interceptor made of plain functions, because GRPCCore calls every interceptor as an async closure through an existential. The
/// concerns are in the other files of this folder.
package struct ServerCallInterceptor: ServerInterceptor {
    private let verify: VerifyCaller
    private let peers: VerifyPeer?
    private let methods: MethodTable
    private let faults: FaultMapping
    private let audit: AuditCheck
    private let standardDeadline: Duration
    private let logger: Logger

    /// - Parameters:
    ///   - mutualTLS: callers are held against the call graph by their certificates.
    ///   - standardDeadline: for callers that name none (T118).
    ///   - missingEntry: what becomes of an audited call that succeeds and has left no entry.
    package init(
        keys: CallerKeys, rules: [MethodRule], mutualTLS: Bool = false, standardDeadline: Duration = ServerDeadline.standard,
        missingEntry: MissingAuditEntry = .standard, logger: Logger
    ) {
        audit = AuditCheck(missing: missingEntry, logger: logger)
        self.standardDeadline = standardDeadline
        peers = mutualTLS ? VerifyPeer(callee: keys.service, logger: logger) : nil
        verify = VerifyCaller(keys: keys, logger: logger)
        methods = MethodTable(rules: rules)
        faults = FaultMapping(logger: logger)
        self.logger = logger
    }

    package func intercept<Input: Sendable, Output: Sendable>(
        request: StreamingServerRequest<Input>, context: ServerContext,
        next: @Sendable (StreamingServerRequest<Input>, ServerContext) async throws -> StreamingServerResponse<Output>
    ) async throws -> StreamingServerResponse<Output> {
        let started = ContinuousClock.now
        let method = methods[context.descriptor]
        let record = CallRecord(method: method, started: started, logger: logger)
        let metadata = InboundMetadata(request.metadata)
        let requestID = metadata.requestID ?? Caller.newRequestID()
        let trace = metadata.trace?.child() ?? .start()

        let call: CallContext
        do {
            let peer = try peers?.caller(of: context, method: method)
            let caller = try verify.caller(metadata, from: peer, requestID: requestID, method: method)
            let deadline = try ServerDeadline.deadline(of: metadata, received: started)
            call = CallContext(
                caller: caller, requestID: requestID, address: metadata.address ?? "", userAgent: metadata.userAgent ?? "",
                trace: trace, deadline: deadline, permission: method.access.permission)
        } catch {
            let refusal = CallContext(caller: nil, requestID: requestID, trace: trace)
            let error = error == .deadlineExceeded ? RPCError.deadlineExceeded : RPCError(error)
            CallContext.$current.withValue(refusal) { record.end(error) }
            throw error
        }
        let isFrame = context.transportSpecific is FramePeer
        return try await CallContext.$current.withValue(call) {
            let response = try await guarded(until: call.deadline ?? started + standardDeadline, record, isFrame: isFrame) {
                try await audit.served(method, call) {
                    let response = try await next(request, context)
                    if case .failure(let error) = response.accepted { throw error }
                    return response
                }
            }
            return followed(response, call: call, record, isFrame: isFrame)
        }
    }

    /// The body of a response is produced after the interceptors have returned, so it gets the same care: context, deadline, faults, and the
    /// record's end.
    private func followed<Output: Sendable>(
        _ response: StreamingServerResponse<Output>, call: CallContext, _ record: CallRecord, isFrame: Bool
    ) -> StreamingServerResponse<Output> {
        guard case .success(let contents) = response.accepted else { return response }
        let producer = contents.producer
        return StreamingServerResponse(metadata: contents.metadata) { writer in
            try await CallContext.$current.withValue(call) {
                let trailing = try await guarded(until: call.deadline, record, isFrame: isFrame) { try await producer(writer) }
                record.end(nil)
                return trailing
            }
        }
    }

    private func guarded<R: Sendable>(
        until deadline: ContinuousClock.Instant?, _ record: CallRecord, isFrame: Bool, _ work: @Sendable () async throws -> R
    ) async throws -> R {
        do {
            if isFrame { return try await ServerDeadline.run(until: deadline, work) }
            // Other transports cannot write the status of a call from a task that is cancelled, so the work gets a task of its own.
            async let result = ServerDeadline.run(until: deadline, work)
            return try await result
        } catch {
            let mapped = faults.rpcError(for: error, method: record.method.name)
            record.end(mapped)
            throw mapped
        }
    }
}
