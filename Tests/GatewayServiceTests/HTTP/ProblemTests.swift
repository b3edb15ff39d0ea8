import Foundation
import HTTPTypes
import HummingbirdCore
import Primitives
import ServiceKit
import Testing

@testable import GatewayService

@Suite("Problem documents")
struct ProblemTests {
    @Test(
        "every fault has its status",
        arguments: [
            (Fault.keyInvalid, 401), (.keyMissing, 401), (.keyInQuery, 400), (.scopeMissing(.orgAdmin), 403), (.routeNotFound, 404),
            (.methodNotAllowed, 405),
            (.mediaType, 415), (.bodyTooLarge(limit: 1), 413), (.cursorInvalid, 400), (.unknownField("x"), 422), (.json("nul", "", at: ""), 422),
            (.json("duplicate_key", "", at: ""), 400), (.idempotencyMismatch, 422), (.idempotencyRunning, 409), (.idempotencyKeyInvalid, 400),
            (.concurrency("key.concurrency", retryAfter: .seconds(1)), 429), (.limiterUnavailable, 503),
            (.rateLimited("key", retryAfter: .seconds(1)), 429), (.uploadMediaType, 415), (.uploadEncoding, 415),
            (.uploadTooLarge(limit: 1), 413), (.multipart(""), 400), (.invalidField("/name", "length", ""), 422), (.notFound("run", "run_x"), 404),
            (.unavailable("database.unavailable", ""), 503), (.deadlineExceeded, 504), (Fault(.internal, "internal", ""), 500),
            (Fault(.conflict, "projects.slug_taken", ""), 409), (Fault(.precondition, "runs.already_finished", ""), 409),
            (.versionStale, 412), (.ifMatchMissing, 428), (.ifMatchMalformed, 400),
            (Fault(.invalid, "report.decoded_too_large", ""), 413), (Fault(.exhausted, "quota.results", ""), 429), (.bodyTooSlow, 408),
        ] as [(Fault, Int)])
    func status(fault: Fault, expected: Int) {
        #expect(Problem.status(of: fault).code == expected, "\(fault.code)")
    }

    @Test("the document holds what RFC 9457 and our clients want")
    func document() throws {
        let fault = Fault(
            .invalid, "request.invalid", "Say \"please\"\n", fields: [.init("/a/0", "required", "missing")], retryAfter: .milliseconds(1_500))
        let response = Problem(fault, publicURL: "https://assay.example").response(instance: "/api/v1/x", requestID: "req_1")
        #expect(response.status.code == 422)
        #expect(response.headers[.contentType] == "application/problem+json")
        #expect(response.headers[.retryAfter] == "2")
        let json = Problem(fault, publicURL: "https://assay.example").json(instance: "/api/v1/x", requestID: "req_1")
        let object = try #require(JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
        #expect(object["type"] as? String == "https://assay.example/errors/request.invalid")
        #expect(object["status"] as? Int == 422)
        #expect(object["title"] as? String == "A field is not acceptable")
        #expect(object["detail"] as? String == "Say \"please\"\n")
        #expect(object["instance"] as? String == "/api/v1/x")
        #expect(object["code"] as? String == "request.invalid")
        #expect(object["request_id"] as? String == "req_1")
        #expect(object["errors"] as? [[String: String]] == [["pointer": "/a/0", "code": "required", "detail": "missing"]])
    }

    @Test("what went wrong inside is not told")
    func secrecy() {
        let fault = Fault(.internal, "internal", "relation \"runs\" does not exist", fields: [.init("sql", "x", "select")])
        let json = Problem(fault, publicURL: "").json(instance: "/", requestID: "r")
        #expect(!json.contains("relation") && !json.contains("select"))
    }

    @Test("a refused key is told so as RFC 6750 wants")
    func authenticate() {
        #expect(
            Problem(.keyInvalid, publicURL: "").response(instance: "/", requestID: "r").headers[.wwwAuthenticate] == "Bearer error=\"invalid_token\"")
        #expect(Problem(.keyMissing, publicURL: "").response(instance: "/", requestID: "r").headers[.wwwAuthenticate] == "Bearer")
        #expect(Problem(.unavailable("x", ""), publicURL: "").response(instance: "/", requestID: "r").headers[.retryAfter] == "1")
    }

    @Test("a rate limit has its registered type and names the policy")
    func quota() {
        let json = Problem(.rateLimited("tenant", retryAfter: .seconds(1)), publicURL: "").json(instance: "/", requestID: "r")
        #expect(json.contains("https://iana.org/assignments/http-problem-types#quota-exceeded"))
        #expect(json.contains(#""violated-policies":["tenant"]"#))
    }

    @Test("the gateway's own trouble and somebody's guessing have their registered types")
    func registered() {
        let reduced = Problem(.streamsFull, publicURL: "").json(instance: "/", requestID: "r")
        #expect(reduced.contains("http-problem-types#temporary-reduced-capacity"))
        let abnormal = Problem(.tooManyAttempts("address", retryAfter: .seconds(1)), publicURL: "").json(instance: "/", requestID: "r")
        #expect(abnormal.contains("http-problem-types#abnormal-usage-detected") && abnormal.contains(#""violated-policies":["address"]"#))
    }

    @Test("the Date header is an IMF-fixdate")
    func date() {
        #expect(HTTPClock.text(784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
    }
}
