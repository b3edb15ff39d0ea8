/// One HTTP case as it went: what was sent where, what came back, how long each step took. Stored with the result as JSON.
struct Exchange: Codable, Sendable, Equatable {
    let method: String
    /// With variables filled in.
    var url: String
    /// 0 when there was no answer.
    var status = 0
    /// The address that was connected to; empty when there was no answer.
    var address = ""
    var timing: Timing?
    /// Bytes of the decoded body.
    var bodyBytes: Int64?
    /// The first 4 KiB.
    var bodyExcerpt = ""
    var assertions: [AssertionOutcome] = []
    /// Why there was no answer, or why it could not be judged; empty otherwise.
    var errorCode = ""

    /// Microseconds. `total` is from start to end; the others are its first parts, one after the other.
    struct Timing: Codable, Sendable, Equatable {
        let dns: Int64
        let connect: Int64
        let tls: Int64
        /// From the end of the connection's making to the first byte of the answer.
        let firstByte: Int64
        let total: Int64
    }

    init(method: String, url: String) {
        self.method = method
        self.url = url
    }

    /// With secrets masked in every text of it.
    func masked(_ mask: SecretMask) -> Exchange {
        var masked = self
        masked.url = mask.masked(url)
        masked.bodyExcerpt = mask.masked(bodyExcerpt)
        masked.assertions = assertions.map {
            AssertionOutcome(assertion: mask.masked($0.assertion), passed: $0.passed, actual: mask.masked($0.actual))
        }
        return masked
    }
}
