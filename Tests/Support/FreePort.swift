import Foundation

/// Loopback ports for servers that tests start as processes. Servers inside the test process ask for port 0 instead.
package enum FreePort {
    /// A port that, with the one after it, nobody listens on. Each call gives another pair, so that two stacks in one process do not meet.
    package static func next() -> Int {
        lock.withLock {
            repeat { candidate += 2 } while !isFree(candidate) || !isFree(candidate + 1)
            return candidate
        }
    }

    private static let lock = NSLock()
    /// Below the kernel's own range for outgoing connections; the start differs between processes.
    nonisolated(unsafe) private static var candidate = 12_000 + Int(ProcessInfo.processInfo.processIdentifier % 800) * 20

    private static func isFree(_ port: Int) -> Bool {
        let socket = Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard socket >= 0 else { return false }
        defer { close(socket) }
        var reuse: Int32 = 1
        setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &reuse, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        } == 0
    }
}
