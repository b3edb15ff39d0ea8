import GRPCCore

/// One quick second try (R19), for calls that may be repeated without harm and were refused before any answer.
///
/// Only the outermost layer retries, or three services in a row would make eight calls of one; and only reads and calls under an
/// idempotency key are tried again. A budget of one retry for every ten good calls keeps an overloaded service from being asked twice.
enum ClientRetry {
    static func budget() -> RetryThrottle { RetryThrottle(maxTokens: 10, tokenRatio: 0.1) }

    static let policy = RPCExecutionPolicy.retry(
        RetryPolicy(
            maxAttempts: 2, initialBackoff: .milliseconds(50), maxBackoff: .milliseconds(100), backoffMultiplier: 2,
            retryableStatusCodes: [.unavailable]))

    /// House rule: methods that only read are named so.
    static func isRepeatable(_ method: MethodDescriptor) -> Bool {
        if let call = CallContext.current {
            if call.isServing { return false }
            if call.caller?.idempotencyKey != nil { return true }
        }
        return reading.contains { method.method.hasPrefix($0) }
    }

    private static let reading = ["Get", "List", "Find", "Check", "Search", "Count"]
}
