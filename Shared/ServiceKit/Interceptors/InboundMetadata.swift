import GRPCCore

/// What a server reads from the metadata of a call, in one pass. Names are lower case on the wire (RFC 9113 section 8.2).
struct InboundMetadata {
    static let requestIDKey = "x-request-id"
    static let idempotencyKeyKey = "idempotency-key"
    static let addressKey = "assay-client-address"
    /// Sent to the gateway only, which keeps it with a person's session.
    static let userAgentKey = "assay-client-user-agent"
    /// What the caller still has, in gRPC's notation.
    static let timeoutKey = "grpc-timeout"
    /// The same as the frame transport hands it over, in milliseconds: under its gRPC name GRPCCore would start a timer task for each call.
    static let transportTimeoutKey = "assay-timeout-ms"

    static let maxRequestID = 128
    static let maxIdempotencyKey = 255
    static let maxAddress = 64
    static let maxUserAgent = 200

    private(set) var callerToken: String?
    private(set) var requestID: String?
    private(set) var idempotencyKey: String?
    private(set) var address: String?
    private(set) var userAgent: String?
    private(set) var trace: Trace?
    private(set) var timeout: Duration?

    init(_ metadata: Metadata) {
        for case (let key, .string(let value)) in metadata {
            switch key {
            case CallerToken.metadataKey: callerToken = value
            case Self.requestIDKey where Self.isPrintable(value, max: Self.maxRequestID): requestID = value
            case Self.idempotencyKeyKey where Self.isPrintable(value, max: Self.maxIdempotencyKey): idempotencyKey = value
            case Self.addressKey where Self.isPrintable(value, max: Self.maxAddress): address = value
            case Self.userAgentKey where Self.isPrintable(value, max: Self.maxUserAgent): userAgent = value
            case Trace.metadataKey: trace = Trace(traceparent: value)
            case Self.transportTimeoutKey: limit(Int64(value).map { .milliseconds(max(0, min($0, Self.maxMilliseconds))) })
            case Self.timeoutKey: limit(Self.duration(grpcTimeout: value))
            default: break
            }
        }
    }

    /// A day; larger numbers would overflow once added to a clock.
    private static let maxMilliseconds: Int64 = 86_400_000

    private mutating func limit(_ other: Duration?) {
        guard let other else { return }
        timeout = timeout.map { min($0, other) } ?? other
    }

    /// At most 8 digits and a unit (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).
    static func duration(grpcTimeout text: String) -> Duration? {
        guard text.utf8.count <= 9, let unit = text.utf8.last, let amount = Int64(text.dropLast()), amount >= 0 else { return nil }
        let duration: Duration? =
            switch unit {
            case UInt8(ascii: "H"): .seconds(amount * 3600)
            case UInt8(ascii: "M"): .seconds(amount * 60)
            case UInt8(ascii: "S"): .seconds(amount)
            case UInt8(ascii: "m"): .milliseconds(amount)
            case UInt8(ascii: "u"): .microseconds(amount)
            case UInt8(ascii: "n"): .nanoseconds(amount)
            default: nil
            }
        return duration.map { min($0, .milliseconds(maxMilliseconds)) }
    }

    /// The other way. GRPCCore reads at most 7 digits.
    static func grpcTimeout(_ duration: Duration) -> String {
        let milliseconds = max(0, duration.nanoseconds / 1_000_000)
        return milliseconds <= 9_999_999 ? "\(milliseconds)m" : "\(min(milliseconds / 1000, 9_999_999))S"
    }

    /// Whatever ends up in every log line is bounded and free of control characters.
    private static func isPrintable(_ text: String, max: Int) -> Bool {
        !text.isEmpty && text.utf8.count <= max && text.utf8.allSatisfy { (0x20...0x7E).contains($0) }
    }
}
