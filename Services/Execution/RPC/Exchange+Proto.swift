import ExecutionAPI

extension PBHTTPExchange {
    init(_ exchange: Exchange) {
        self.init()
        method = exchange.method
        url = exchange.url
        status = Int32(exchange.status)
        address = exchange.address
        if let timing = exchange.timing {
            dnsUs = timing.dns
            connectUs = timing.connect
            tlsUs = timing.tls
            firstByteUs = timing.firstByte
            totalUs = timing.total
        }
        if let bytes = exchange.bodyBytes { bodyBytes = bytes }
        bodyExcerpt = exchange.bodyExcerpt
        assertions = exchange.assertions.map(PBAssertionOutcome.init)
        errorCode = exchange.errorCode
    }
}

extension PBAssertionOutcome {
    init(_ outcome: AssertionOutcome) {
        self.init()
        assertion = outcome.assertion
        passed = outcome.passed
        actual = outcome.actual
    }
}
