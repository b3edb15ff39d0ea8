@testable import ValidationService

/// What assertion libraries print when what they compare looks like a report of trouble, and what looks alike and is one.
enum ComparedMessages {
    static let operands: [TrueMessage] = [
        // Chai, Node, Jest, Playwright, Cypress
        .init(.assertion, "expected 'Access denied' to equal 'Welcome'", type: "AssertionError"),
        .init(.assertion, "Expected values to be strictly equal:\n+ actual - expected\n\n+ 'Service Unavailable'\n- 'OK'", type: "AssertionError"),
        .init(.assertion, "expect(received).toBe(expected) // Object.is equality\n\nExpected: \"Welcome\"\nReceived: \"Invalid credentials\""),
        .init(
            .assertion, "expect(received).toContain(expected)\n\nExpected substring: \"ok\"\nReceived string:    \"connect ECONNREFUSED 127.0.0.1\""),
        .init(.assertion, "expect(locator).toHaveText(expected)\n\nExpected string: \"Home\"\nReceived string: \"502 Bad Gateway\""),
        .init(.assertion, "expected '<h1>' to contain 'Access denied'", type: "AssertionError"),
        // JUnit 4 and 5, AssertJ, Hamcrest, TestNG, Kotest
        .init(.assertion, "expected: <Welcome> but was: <Access denied>", type: "org.opentest4j.AssertionFailedError"),
        .init(.assertion, "expected:<[Welcome]> but was:<[Service Unavailable]>", type: "org.junit.ComparisonFailure"),
        .init(.assertion, "expected: \"connection refused\"\n but was: \"connection reset\"", type: "org.opentest4j.AssertionFailedError"),
        .init(.assertion, "\nExpected: \"Welcome\"\n     but: was \"Invalid credentials\"", type: "java.lang.AssertionError"),
        .init(.assertion, "expected [Welcome] but found [Access denied]", type: "java.lang.AssertionError"),
        .init(.assertion, "\nExpecting actual:\n  \"503 Service Unavailable\"\nto contain:\n  \"ok\"", type: "java.lang.AssertionError"),
        // Truth
        .init(.assertion, "expected to contain: Access denied\nbut was            : Service Unavailable"),
        // pytest, unittest
        .init(.assertion, "AssertionError: assert 'Access denied' == 'Welcome'\n  \n  - Welcome\n  + Access denied", type: ""),
        .init(.assertion, "AssertionError: 'ok' != 'Invalid credentials'\n- ok\n+ Invalid credentials\n"),
        .init(.assertion, "assert b'permission denied' in b'ok'", type: "AssertionError"),
        .init(.assertion, "'Welcome' not found in 'Internal Server Error'", type: "AssertionError"),
        .init(
            .assertion, "",
            trace: "    def test_login(page):\n>       assert page.text == 'Access denied'\nE       AssertionError: assert 'hi' == 'Access denied'"),
        // Go: testing, testify
        .init(.assertion, "x_test.go:7: got \"Access denied\", want \"ok\""),
        .init(.assertion, "x_test.go:7: got ok, want connection refused"),
        .init(.assertion, "Error: Not equal:\n    expected: \"ok\"\n    actual  : \"no such host\"\n    Test: TestX"),
        // Rust, gtest, Catch2, Swift, XCTest
        .init(.assertion, "assertion `left == right` failed\n  left: \"Connection refused\"\n right: \"ok\""),
        .init(.assertion, "Expected equality of these values:\n  text\n    Which is: \"Segmentation fault\"\n  \"ok\""),
        .init(.assertion, "REQUIRE( text == \"ok\" )\nwith expansion:\n  \"Broken pipe\" == \"ok\""),
        .init(.assertion, "Expectation failed: (text → \"Access denied\") == \"Welcome\""),
        .init(.assertion, "XCTAssertEqual failed: (\"timed out\") is not equal to (\"ok\")"),
        // RSpec, PHPUnit, NUnit, MSTest, xUnit.net
        .init(
            .assertion, "\nexpected: \"Welcome\"\n     got: \"Access denied\"\n\n(compared using ==)",
            type: "RSpec::Expectations::ExpectationNotMetError"),
        .init(.assertion, "Failed asserting that two strings are equal.\n--- Expected\n+++ Actual\n@@ @@\n-'ok'\n+'Access denied'"),
        .init(.assertion, "  Expected: \"ok\"\n  But was:  \"Service Unavailable\""),
        .init(.assertion, "Assert.AreEqual failed. Expected:<ok>. Actual:<Access denied>."),
        .init(.assertion, "Assert.Equal() Failure\nExpected: Welcome\nActual:   Access denied", type: "Xunit.Sdk.EqualException"),
        // In one's own words.
        .init(.assertion, "expected Access denied but was Welcome"), .init(.assertion, "expected connection refused, got 200"),
        .init(.assertion, "expected the page to contain Invalid credentials"),
    ]

    static let events: [TrueMessage] = [
        .init(.network, "expected a page but got connection refused"),
        .init(.network, "request failed: connection refused", type: "AssertionError"),
        .init(.network, "Unexpected exception thrown: java.net.ConnectException: Connection refused", type: "org.opentest4j.AssertionFailedError"),
        .init(.network, "expected the request to succeed: connect ECONNREFUSED 127.0.0.1:1"),
        .init(.network, "Get \"http://127.0.0.1:1\": dial tcp 127.0.0.1:1: connect: connection refused\nexpected no error"),
        .init(.network, "called `Result::unwrap()` on an `Err` value: Os { code: 111, message: \"Connection refused\" }"),
        .init(.network, "expected it to work: connection refused"),
        .init(.serverError, "expected status 200 but got status 503"),
        .init(.authorization, "can't log in: access denied, that's not what I'd expected"),
        .init(.timeout, "thrown: \"Exceeded timeout of 5000 ms for a test.\""),
        .init(.timeout, "Timed out 5000ms waiting for expect(locator).toHaveText(expected)\n\nExpected string: \"Home\"\nReceived string: \"\""),
        .init(.setup, "fixture 'expected' not found"), .init(.data, "Duplicate entry 'expected' for key 'users.PRIMARY'"),
        .init(.crash, "worker 'gw0' crashed while running 'tests/test_a.py::test_expected'"),
        .init(.outOfMemory, "expected exit code 0, got exit code 137"),
    ]
}
