import Primitives
import ValidationAPI

extension Category {
    /// - Throws: `request.invalid` at `pointer`.
    init(_ message: PBCategory.Value, at pointer: String = "category") throws(Fault) {
        switch message {
        case .assertion: self = .assertion
        case .timeout: self = .timeout
        case .crash: self = .crash
        case .outOfMemory: self = .outOfMemory
        case .truncatedReport: self = .truncatedReport
        case .network: self = .network
        case .tls: self = .tls
        case .dns: self = .dns
        case .authentication: self = .authentication
        case .authorization: self = .authorization
        case .serverError: self = .serverError
        case .data: self = .data
        case .environment: self = .environment
        case .setup: self = .setup
        case .concurrency: self = .concurrency
        case .resource: self = .resource
        case .unknown: self = .unknown
        case .categoryUnspecified, .UNRECOGNIZED: throw .invalidField(pointer, "invalid", "This is no category.")
        }
    }

    var message: PBCategory.Value {
        switch self {
        case .assertion: .assertion
        case .timeout: .timeout
        case .crash: .crash
        case .outOfMemory: .outOfMemory
        case .truncatedReport: .truncatedReport
        case .network: .network
        case .tls: .tls
        case .dns: .dns
        case .authentication: .authentication
        case .authorization: .authorization
        case .serverError: .serverError
        case .data: .data
        case .environment: .environment
        case .setup: .setup
        case .concurrency: .concurrency
        case .resource: .resource
        case .unknown: .unknown
        }
    }
}

extension Severity {
    /// - Returns: `nil` where none is given.
    /// - Throws: `request.invalid` at `pointer`.
    static func given(_ message: PBSeverity.Value, at pointer: String) throws(Fault) -> Severity? {
        switch message {
        case .severityUnspecified: nil
        case .low: .low
        case .medium: .medium
        case .high: .high
        case .critical: .critical
        case .UNRECOGNIZED: throw .invalidField(pointer, "invalid", "This is no severity.")
        }
    }

    var message: PBSeverity.Value {
        switch self {
        case .low: .low
        case .medium: .medium
        case .high: .high
        case .critical: .critical
        }
    }
}
