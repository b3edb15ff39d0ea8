import Testing

@testable import ValidationService

/// Which of a failure's texts is believed.
@Suite struct JudgingOrderTests {
    @Test(
        "what the failure says of itself outdoes its trace, that its error output, and that its output",
        arguments: [
            (Symptoms(message: "timed out", standardError: "Connection refused"), Category.timeout),
            (Symptoms(message: "expected 1 to equal 2", standardError: "retrying: connection refused\nNo space left on device"), .assertion),
            (Symptoms(type: "AssertionError", trace: "  at chromedriver!GetHandleVerifier", standardError: "Killed: OOMKilled"), .assertion),
            (Symptoms(message: "it broke", trace: "502 Bad Gateway", standardError: "connection refused"), .serverError),
            (Symptoms(message: "it broke", standardError: "connection refused", standardOutput: "OOMKilled"), .network),
            (Symptoms(message: "it broke", standardOutput: "bash: line 1: 8289 Segmentation fault"), .crash),
            (Symptoms(message: "it broke", standardOutput: "bash: line 1: 8289 Segmentation fault", outcome: .errored), .crash),
            // A type that reports write of any failure, and words that only name the assertion, tell less than a trace.
            (Symptoms(message: "it broke", type: "failure", trace: "connection refused"), .network),
            (Symptoms(message: "test failed: see below", trace: "connection refused"), .network),
            (Symptoms(message: "An unexpected error occurred", trace: "connection refused"), .network),
            (Symptoms(type: "failure", outcome: .errored), .assertion),
            (Symptoms(message: "it broke", trace: "  at org.junit.Assert.fail(Assert.java:89)", standardError: "OOMKilled"), .outOfMemory),
        ])
    func order(symptoms: Symptoms, category: ValidationService.Category) {
        let judgement = BuiltInRules.all.judge(symptoms)
        #expect(judgement.category == category, "\(symptoms): \(judgement)")
    }

    @Test(
        "the causes that a trace names are the failure's own words",
        arguments: [
            (
                Symptoms(
                    message: "Failed to start the server", type: "java.lang.AssertionError",
                    trace: "java.lang.AssertionError: x\n\tat a.B.c\nCaused by: java.net.BindException: Address already in use"), Category.environment
            ),
            (Symptoms(message: "timed out", trace: "Error: timed out\n  [cause]: Error: connect ECONNREFUSED 127.0.0.1:1"), .network),
            (Symptoms(message: "request timed out", trace: " ---> System.Net.Sockets.SocketException (111): Connection refused"), .network),
            (Symptoms(message: "timed out", trace: "12:00 WARN Connection refused, caused by: nobody"), .timeout),
        ])
    func causes(symptoms: Symptoms, category: ValidationService.Category) {
        let judgement = BuiltInRules.all.judge(symptoms)
        #expect(judgement.category == category, "\(symptoms): \(judgement)")
    }

    @Test("edition 2 asks each rule about all texts but the output")
    func second() throws {
        let rules = try #require(BuiltInRules.rules(of: 2))
        #expect(rules.judge(Symptoms(message: "timed out", standardError: "Connection refused")).category == .network)
        #expect(rules.judge(Symptoms(message: "it broke", standardOutput: "OOMKilled")).rule == "assertion.failed")
    }

    @Test(
        "what keeps a case of Assay's own from being carried out is told by its code",
        arguments: [
            ("unknown_secret", Category.setup), ("secret_host_denied", .authorization), ("secrets_unreadable", .environment),
            ("request_too_large", .resource), ("redirect_refused", .setup), ("response_too_large", .resource), ("unknown_variable", .setup),
            ("outbound_saturated", .environment), ("result_unstorable", .environment),
        ])
    func codes(code: String, category: ValidationService.Category) {
        // The words that Execution writes beside it say as much as any others, but not what is the matter.
        let symptoms = Symptoms(message: "With its variables filled in, the body is too long.", type: code, errorCode: code, outcome: .errored)
        #expect(BuiltInRules.all.judge(symptoms).category == category)
    }
}
