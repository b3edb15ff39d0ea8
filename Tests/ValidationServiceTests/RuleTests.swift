import Foundation
import Testing

@testable import ValidationService

@Suite struct RuleTests {
    @Test(
        "a failure is filed by the first rule that knows it",
        arguments: [
            ("java.net.ConnectException", "Connection refused (Connection refused)", Category.network, "network.connection-refused"),
            ("", "connect ECONNREFUSED 127.0.0.1:5432", .network, "network.connection-refused"),
            ("", "getaddrinfo ENOTFOUND db.internal", .dns, "dns.unresolved"),
            ("requests.exceptions.SSLError", "certificate verify failed: unable to get local issuer certificate", .tls, "tls.certificate"),
            ("ConnectionResetError", "[Errno 104] Connection reset by peer", .network, "network.connection-lost"),
            ("", "dial tcp 10.0.0.1:443: connect: no route to host", .network, "network.unreachable"),
            ("TimeoutError", "Timeout 30000ms exceeded.", .timeout, "timeout.exceeded"),
            ("", "context deadline exceeded", .timeout, "timeout.exceeded"),
            ("org.junit.runners.model.TestTimedOutException", "test timed out after 500 milliseconds", .timeout, "timeout.test"),
            ("", "Request failed with status code 401", .authentication, "authentication.rejected"),
            ("", "FATAL: password authentication failed for user \"app\"", .authentication, "authentication.rejected"),
            ("", "502 Bad Gateway", .serverError, "server-error.5xx"),
            ("java.lang.OutOfMemoryError", "Java heap space", .outOfMemory, "out-of-memory.exhausted"),
            ("", "write /tmp/x: no space left on device", .resource, "resource.disk-full"),
            ("", "listen tcp :8080: bind: address already in use", .environment, "environment.address-in-use"),
            ("FileNotFoundError", "[Errno 2] No such file or directory: 'config.yaml'", .environment, "environment.missing-program"),
            ("ModuleNotFoundError", "No module named 'numpy'", .setup, "setup.import"),
            ("", "fixture 'db' not found", .setup, "setup.fixture"),
            ("AssertionError", "assert 3 == 4", .assertion, "assertion.type"),
            ("org.opentest4j.AssertionFailedError", "expected: <1> but was: <2>", .assertion, "assertion.type"),
            ("", "Expected 1 to equal 2", .assertion, "assertion.text"),
            ("", "it went wrong somehow", .assertion, "assertion.failed"),
        ])
    func filed(type: String, message: String, category: ValidationService.Category, rule: String) {
        let judgement = BuiltInRules.all.judge(Symptoms(message: message, type: type))
        #expect(judgement.category == category && judgement.rule == rule, "\(judgement)")
    }

    @Test(
        "an HTTP case is filed by what came back, or why nothing did",
        arguments: [
            (Int32(503), "", Category.serverError), (401, "", .authentication), (403, "", .authorization), (0, "dns_failed", .dns),
            (0, "tls_failed", .tls), (0, "timeout", .timeout),
            (0, "blocked_target", .network), (0, "response_too_large", .resource), (0, "unknown_variable", .setup), (0, "infra_lost", .environment),
            (404, "", .assertion),
        ])
    func http(status: Int32, error: String, category: ValidationService.Category) {
        let symptoms = Symptoms(httpStatus: status, errorCode: error, outcome: error.isEmpty ? .failed : .errored)
        #expect(BuiltInRules.all.judge(symptoms).category == category)
    }

    @Test("an error that no rule knows is unknown")
    func unknown() {
        let judgement = BuiltInRules.all.judge(Symptoms(message: "42", outcome: .errored))
        #expect(judgement == Judgement(category: .unknown, severity: .medium, rule: "unknown", evidence: ""))
    }

    @Test("the evidence is the line that the rule saw, as it was written")
    func evidence() {
        let trace = "Traceback:\n  File \"x.py\"\nConnection REFUSED by db:5432\nmore"
        let judgement = BuiltInRules.all.judge(Symptoms(trace: trace))
        #expect(judgement.evidence == "Connection REFUSED by db:5432")
    }

    @Test("what stands behind the first 8 KiB of a text is not looked at, and evidence is short")
    func bounds() {
        let far = String(repeating: "x", count: Symptoms.maxBytes) + " connection refused"
        #expect(BuiltInRules.all.judge(Symptoms(message: far)).rule == "assertion.failed")
        let wide = String(repeating: "y", count: 4000) + "connection refused" + String(repeating: "z", count: 4000)
        #expect(BuiltInRules.all.judge(Symptoms(message: wide)).evidence.utf8.count <= ScannedTexts.maxEvidence)
    }

    @Test("rule ids are unique and the last rule takes everything")
    func catalogue() {
        let rules = BuiltInRules.all.rules
        #expect(Set(rules.map(\.id)).count == rules.count)
        #expect(rules.last?.signs.contains { if case .always = $0 { true } else { false } } == true)
    }

    @Test("no text of a rule has one of an earlier rule of another category in it: it could never win")
    func reachable() throws {
        #expect(try Self.hidden(in: 5) == [])
        // Which these could not, by edition 4.
        #expect(
            try Self.hidden(in: 4) == [
                "lock wait timeout exceeded", "connection is not available, request timed out", "server selection timed out",
                "not well-formed (invalid token)",
            ])
    }

    /// Texts of an edition that hold a text of a rule that is asked before theirs.
    private static func hidden(in edition: Int32) throws -> [String] {
        let rules = try #require(BuiltInRules.rules(of: edition)).rules
        let asked = rules.filter { !$0.isLastResort } + rules.filter(\.isLastResort)
        let needles = asked.enumerated().flatMap { place, rule in rule.needles.map { (place: place, needle: $0) } }
        let scanner = TextScanner(needles.map(\.needle))
        return needles.filter { place, needle in
            zip(needles, scanner.places(in: Array(needle.text.utf8))).contains { other, found in
                found >= 0 && other.place < place && asked[other.place].category != asked[place].category
            }
        }.map(\.needle.text)
    }

    @Test("each text is found where it stands first, whatever else begins or ends there")
    func scanner() {
        let scanner = TextScanner([
            .init(text: "he", isWhole: false), .init(text: "she", isWhole: false), .init(text: "hers", isWhole: false),
            .init(text: "his", isWhole: true),
            .init(text: "a", isWhole: false), .init(text: "é", isWhole: true),
        ])
        #expect(scanner.places(in: Array("usHERS".utf8)) == [2, 1, 2, -1, -1, -1])
        #expect(scanner.places(in: Array("ushers his".utf8)) == [2, 1, 2, 7, -1, -1])
        #expect(scanner.places(in: Array("this his_ 1his hisé (his)".utf8)) == [-1, -1, -1, 22, -1, -1])
        #expect(scanner.places(in: Array("é".utf8))[5] == 0 && scanner.places(in: []) == [-1, -1, -1, -1, -1, -1])
    }

    @Test("the scanner finds what looking for each text alone finds")
    func scannerAgainstSearch() {
        var random = SystemRandomNumberGenerator()
        func word(_ count: ClosedRange<Int>) -> String {
            String((0..<Int.random(in: count, using: &random)).map { _ in "ab1 ".randomElement(using: &random)! })
        }
        for _ in 0..<200 {
            let needles = (0..<8).map { _ in word(1...4) }
            let text = word(0...40)
            let places = TextScanner(needles.map { .init(text: $0, isWhole: false) }).places(in: Array(text.utf8))
            let expected = needles.map { needle in
                text.range(of: needle).map { Int32(text.utf8.distance(from: text.startIndex, to: $0.lowerBound)) } ?? -1
            }
            #expect(places == expected, "\(needles) in \(text)")
        }
    }
}

extension Rule {
    fileprivate var needles: [TextScanner.Needle] {
        signs.flatMap { sign -> [TextScanner.Needle] in
            switch sign {
            case .text(let texts): texts.map { .init(text: $0, isWhole: false) }
            case .word(let texts): texts.map { .init(text: $0, isWhole: true) }
            case .type, .errorCode, .httpStatus, .outcome, .always: []
            }
        }
    }
}
