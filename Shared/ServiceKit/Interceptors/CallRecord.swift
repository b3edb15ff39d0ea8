import GRPCCore
import Logging

/// One served call from its start to its end: counted, timed, and logged with one line.
struct CallRecord: Sendable {
    let method: MethodTable.Entry
    let started: ContinuousClock.Instant
    let logger: Logger

    /// Call exactly once. Failures are logged at `info`, the rest at `debug`: a busy service writes no line for each good call.
    func end(_ error: RPCError?) {
        let elapsed = ContinuousClock.now - started
        method.record(code: error?.code.rawValue ?? 0, elapsed: elapsed)
        let level: Logger.Level = error == nil ? .debug : .info
        guard level >= logger.logLevel else { return }
        let caller = CallContext.current?.caller
        var metadata: Logger.Metadata = [
            "method": "\(method.name)", "code": "\(error.map { "\($0.code)" } ?? "ok")", "ms": "\(elapsed.nanoseconds / 1_000_000)",
            "actor": "\(caller?.actor ?? "-")",
        ]
        if let impersonator = caller?.impersonator { metadata["impersonator"] = "\(impersonator)" }
        logger.log(level: level, "served", metadata: metadata)
    }
}
