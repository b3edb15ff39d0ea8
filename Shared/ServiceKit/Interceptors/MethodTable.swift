import Contract
import GRPCCore
import Metrics
import Synchronization

/// What the interceptors know of each method of a server: who may call it, and its metric handles. One look-up a call.
///
/// Only registered methods reach the interceptors, so the table is as large as the contract.
final class MethodTable: Sendable {
    private let entries: Mutex<[Key: Entry]>

    /// A descriptor without its type: generated ones say whether they stream, those from the wire do not, and so the two would differ.
    private struct Key: Hashable {
        let service: String
        let method: String

        init(_ descriptor: MethodDescriptor) {
            service = descriptor.service.fullyQualifiedService
            method = descriptor.method
        }
    }

    init(rules: [MethodRule]) {
        let pairs = rules.map { (Key($0.method), Entry($0.method, access: Access($0.permission), audit: $0.audit)) }
        entries = Mutex(Dictionary(pairs) { first, _ in first })
    }

    subscript(method: MethodDescriptor) -> Entry {
        let key = Key(method)
        return entries.withLock { entries in
            if let entry = entries[key] { return entry }
            let entry = Entry(method, access: method.isHealth ? .anyone : .services)
            entries[key] = entry
            return entry
        }
    }

    /// Who may call a method. A method without a rule is internal.
    enum Access: Equatable {
        case services
        case anyone
        case authenticated
        case holders(of: String)

        init(_ permission: String?) {
            switch permission {
            case nil, "": self = .services
            case "public": self = .anyone
            case "authenticated": self = .authenticated
            case let permission?: self = .holders(of: permission)
            }
        }

        /// The permission that callers must hold; `nil` where none is asked for.
        var permission: String? {
            if case .holders(let permission) = self { permission } else { nil }
        }
    }

    /// Handles are made once for each method and code, since making one costs a look-up by name.
    final class Entry: Sendable {
        let name: String
        let access: Access
        let isHealth: Bool
        /// Name of the entry that a successful call leaves in the audit log.
        let audit: String?
        private let duration: Metrics.Timer
        private let counters: Mutex<[Counter?]>

        init(_ method: MethodDescriptor, access: Access, audit: String? = nil) {
            name = method.fullyQualifiedMethod
            self.access = access
            isHealth = method.isHealth
            self.audit = audit
            duration = Metrics.Timer(label: "rpc_server_duration", dimensions: [("method", name)])
            counters = Mutex(Array(repeating: nil, count: 17))
        }

        /// - Parameter code: gRPC status code, 0…16.
        func record(code: Int, elapsed: Duration) {
            duration.recordNanoseconds(elapsed.nanoseconds)
            let counter = counters.withLock { counters in
                if let counter = counters[code] { return counter }
                let label = Status.Code(rawValue: code).map(String.init(describing:)) ?? "unknown"
                let counter = Counter(label: "rpc_server_requests", dimensions: [("method", name), ("code", label)])
                counters[code] = counter
                return counter
            }
            counter.increment()
        }
    }
}

extension MethodDescriptor {
    /// Stock probes carry no identity.
    fileprivate var isHealth: Bool { service.fullyQualifiedService == "grpc.health.v1.Health" }
}

extension Duration {
    var nanoseconds: Int64 { components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000 }
}
