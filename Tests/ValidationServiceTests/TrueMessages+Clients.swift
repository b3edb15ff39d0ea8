@testable import ValidationService

/// What clients, runtimes and databases print that took a fifth edition to be known. From their sources or documentation.
extension TrueMessages {
    static let clients: [TrueMessage] = [
        // expat in Python; MySQL; HikariCP; the MongoDB driver for node: texts in which another rule's stands.
        .init(.data, "not well-formed (invalid token): line 1, column 4", type: "xml.etree.ElementTree.ParseError"),
        .init(.concurrency, "Lock wait timeout exceeded; try restarting transaction"),
        .init(.concurrency, "ERROR: canceling statement due to lock timeout"),
        .init(
            .environment, "HikariPool-1 - Connection is not available, request timed out after 30000ms.",
            type: "java.sql.SQLTransientConnectionException"),
        .init(.environment, "Server selection timed out after 30000 ms", type: "MongoServerSelectionError"),
        // requests
        .init(.authentication, "401 Client Error: Unauthorized for url: https://shop.test/api", type: "requests.exceptions.HTTPError"),
        .init(.authorization, "403 Client Error: Forbidden for url: https://shop.test/api", type: "requests.exceptions.HTTPError"),
        .init(.serverError, "504 Server Error: Gateway Time-out for url: https://shop.test/api", type: "requests.exceptions.HTTPError"),
        // urllib
        .init(.authentication, "HTTP Error 401: Unauthorized", type: "urllib.error.HTTPError"),
        .init(.authorization, "HTTP Error 403: Forbidden", type: "urllib.error.HTTPError"),
        .init(.serverError, "HTTP Error 504: Gateway Time-out", type: "urllib.error.HTTPError"),
        // .NET
        .init(
            .authentication, "Response status code does not indicate success: 401 (Unauthorized).", type: "System.Net.Http.HttpRequestException"),
        .init(.authorization, "Response status code does not indicate success: 403 (Forbidden).", type: "System.Net.Http.HttpRequestException"),
        .init(.serverError, "Response status code does not indicate success: 504 (Gateway Timeout).", type: "System.Net.Http.HttpRequestException"),
        // gRPC in Java, node and Python
        .init(.network, "UNAVAILABLE: io exception", type: "io.grpc.StatusRuntimeException"),
        .init(.network, "UNAVAILABLE: Network closed for unknown reason", type: "io.grpc.StatusRuntimeException"),
        .init(.authorization, "PERMISSION_DENIED: no access to project", type: "io.grpc.StatusRuntimeException"),
        .init(.authentication, "16 UNAUTHENTICATED: no token"),
        .init(
            .authentication, "<_InactiveRpcError of RPC that terminated with:\n\tstatus = StatusCode.UNAUTHENTICATED\n\tdetails = \"no token\"",
            type: "grpc._channel._InactiveRpcError"),
        // Spring
        .init(.authorization, "no body", type: "org.springframework.web.client.HttpClientErrorException$Forbidden"),
        .init(.authentication, "no body", type: "org.springframework.web.client.HttpClientErrorException$Unauthorized"),
        .init(.serverError, "no body", type: "org.springframework.web.client.HttpServerErrorException$InternalServerError"),
        // undici, without a cause and with one
        .init(.network, "fetch failed", type: "TypeError"),
        .init(.dns, "fetch failed", type: "TypeError", trace: "  [cause]: Error: getaddrinfo ENOTFOUND nope.invalid"),
        .init(.timeout, "fetch failed", type: "TypeError", trace: "  [cause]: ConnectTimeoutError\n    code: 'UND_ERR_CONNECT_TIMEOUT'"),
        // Playwright
        .init(.timeout, "page.click: Timeout 30000ms exceeded."),
        .init(.timeout, "page.waitForEvent: Timeout 30000ms exceeded while waiting for event \"download\""),
        // Go
        .init(.crash, "panic: close of closed channel"), .init(.crash, "panic: close of nil channel"),
        .init(.crash, "panic: assignment to entry in nil map"),
        .init(.concurrency, "panic: send on closed channel"),
        .init(.concurrency, "testing.go:1398: race detected during execution of test"),
        // YARN
        .init(.outOfMemory, "Container killed on request. Exit code is 137"), .init(.environment, "Container killed on request. Exit code is 143"),
        .init(.crash, "Container exited with a non-zero exit code. Exit code is 134"),
    ]

    /// Those that an error alone is known by: of a failed test they are how Rust reports an assertion.
    static let panics: [TrueMessage] = [
        .init(.crash, "thread 'main' panicked at src/main.rs:4:10:\nthe feed is gone"),
        .init(.crash, "thread 'tests::feed' (8573) panicked at src/lib.rs:12:9:\nthe feed is gone"),
    ]
}
