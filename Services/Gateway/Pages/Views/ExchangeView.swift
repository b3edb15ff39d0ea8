import ExecutionAPI

/// One HTTP exchange of a test: what was sent, what came back, where the time went, what was expected.
struct ExchangeView: Sendable {
    let method: String
    let url: String
    let facts: [StatFigure]
    let phases: [Phase]
    let hasPhases: Bool
    let timingLabel: String
    let assertions: [Assertion]
    let hasAssertions: Bool
    let body: String?

    struct Phase: Sendable {
        let label: String
        let css: String
        let text: String
        /// Hundredths of the total.
        let x: Double
        let width: Double
    }

    struct Assertion: Sendable {
        let badge: Badge
        let text: String
        let actual: String
    }

    init(_ exchange: PBHTTPExchange) {
        method = exchange.method
        url = exchange.url
        var facts = [StatFigure("Status", exchange.status == 0 ? "none" : "\(exchange.status)")]
        if let code = exchange.errorCode.nonEmpty { facts.append(StatFigure("No answer because", code)) }
        if exchange.hasTotalUs { facts.append(StatFigure("Total time", DurationText.of(microseconds: exchange.totalUs))) }
        if exchange.hasBodyBytes { facts.append(StatFigure("Body", NumberText.bytes(exchange.bodyBytes))) }
        if let address = exchange.address.nonEmpty { facts.append(StatFigure("Address", address)) }
        self.facts = facts
        phases = Self.phases(exchange)
        hasPhases = !phases.isEmpty
        timingLabel = phases.map { "\($0.label) \($0.text)" }.joined(separator: ", ")
        assertions = exchange.assertions.map {
            Assertion(badge: $0.passed ? .passed : .failed, text: $0.assertion, actual: $0.actual)
        }
        hasAssertions = !assertions.isEmpty
        body = exchange.bodyExcerpt.nonEmpty
    }

    /// The parts in the order of their happening; what the total has left is the body's transfer.
    private static func phases(_ exchange: PBHTTPExchange) -> [Phase] {
        let total = exchange.totalUs
        guard total > 0 else { return [] }
        var parts: [(label: String, length: Int64)] = []
        if exchange.hasDnsUs { parts.append(("DNS", exchange.dnsUs)) }
        if exchange.hasConnectUs { parts.append(("Connect", exchange.connectUs)) }
        if exchange.hasTlsUs { parts.append(("TLS", exchange.tlsUs)) }
        if exchange.hasFirstByteUs { parts.append(("First byte", exchange.firstByteUs)) }
        let known = parts.reduce(0) { $0 + max(0, $1.length) }
        parts.append(("Transfer", max(0, total - known)))
        let whole = Double(max(total, known))
        let names = ["DNS", "Connect", "TLS", "First byte", "Transfer"]
        var x = 0.0
        return parts.map { part in
            let width = Double(max(0, part.length)) / whole * 100
            defer { x += width }
            return Phase(
                label: part.label, css: "phase-\(names.firstIndex(of: part.label) ?? 0)", text: DurationText.of(microseconds: part.length),
                x: NumberText.coordinate(x), width: NumberText.coordinate(width))
        }
    }
}
