/// Which ports a policy lets through (T75).
package enum PortRule: Hashable, Sendable {
    /// For tests: the usual web ports and everything from 1024 up, without the ports of `dangerous`.
    case web
    /// For webhooks: these and no others.
    case only(Set<UInt16>)
    /// For mail relays: the ports of SMTP, which are refused to everything else, and inside the operator's networks any from 1024 up.
    case mail

    /// Ports of services that read an HTTP request as commands of their own, or whose being open is nobody else's business. Refused
    /// even inside networks that the operator allowed: the list of browsers (WHATWG fetch, "bad port") and the usual databases,
    /// brokers and control planes.
    package static let dangerous: Set<UInt16> = [
        1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110, 111, 113, 115, 117,
        119, 123, 135, 137, 138, 139, 143, 161, 162, 179, 389, 427, 445, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 543, 544, 548, 554,
        556, 563, 587, 601, 631, 636, 873, 989, 990, 993, 995, 1080, 1433, 1434, 1521, 1719, 1720, 1723, 1883, 2049, 2181, 2375, 2376, 2379,
        2380, 3128, 3268, 3269, 3306, 3389, 3659, 4045, 4190, 4222, 5060, 5061, 5432, 5433, 5672, 5900, 5984, 5985, 5986, 6000, 6379, 6380,
        6443, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 7000, 7001, 8086, 8300, 8500, 8600, 9042, 9092, 9160, 9200, 9300, 10080, 10250,
        10255, 11211, 26257, 27017, 27018, 27019, 50000, 61616,
    ]

    private static let mailPorts: Set<UInt16> = [25, 465, 587, 2525]
    private static let webPorts: Set<UInt16> = [80, 443]

    /// Whether the port is open. `isOwnNetwork`: the address is in a network the operator allowed, where only `dangerous` is refused.
    package func allows(_ port: UInt16, isOwnNetwork: Bool) -> Bool {
        if case .mail = self { return Self.mailPorts.contains(port) || isOwnNetwork && port >= 1024 && !Self.dangerous.contains(port) }
        guard !Self.dangerous.contains(port) else { return false }
        if isOwnNetwork { return true }
        return switch self {
        case .web: Self.webPorts.contains(port) || port >= 1024
        case .only(let ports): ports.contains(port)
        case .mail: false
        }
    }
}
