import Metrics
import Synchronization

/// Connections that are open, altogether and by address (T15). One that is too many is closed before a byte of it is read.
final class ConnectionCount: Sendable {
    private let limits: EdgeLimits
    private let open = Mutex<(all: Int, byAddress: [ClientAddress: Int])>((0, [:]))
    private let refused = Counter(label: "http_connections_refused")

    init(_ limits: EdgeLimits) {
        self.limits = limits
    }

    /// - Returns: whether there is room; then `leave` must be called once.
    func enter(_ address: ClientAddress) -> Bool {
        let share = address.isIn(limits.proxies) ? limits.connections : limits.connectionsPerAddress
        let isAdmitted = open.withLock { open in
            let own = open.byAddress[address] ?? 0
            guard open.all < limits.connections, own < share else { return false }
            open.all += 1
            open.byAddress[address] = own + 1
            return true
        }
        if !isAdmitted { refused.increment() }
        return isAdmitted
    }

    func leave(_ address: ClientAddress) {
        open.withLock { open in
            let own = (open.byAddress[address] ?? 1) - 1
            open.all -= 1
            open.byAddress[address] = own == 0 ? nil : own
        }
    }
}
