/// Where a server listens or a client connects: a host name or IP address, and a TCP port. Port 0 lets the system choose one.
package struct FrameAddress: Hashable, Sendable, CustomStringConvertible {
    package let host: String
    package let port: Int

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
