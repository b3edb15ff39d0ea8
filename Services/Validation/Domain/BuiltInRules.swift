/// The rules that everybody has, in order. What is specific stands before what is general; an assertion that merely mentions a word such as
/// "timeout" must not be taken for one, so texts are phrases that programs print, not words.
enum BuiltInRules {
    /// Raised when a rule changes what it decides. Stored with each judgement.
    static let edition: Int32 = 1

    static let all: [Rule] = resource + network + timeout + authentication + serverError + environment + setup + assertion + unknown

    private static let resource = [
        Rule(
            "resource.out-of-memory", .resource, .critical, "The process or its machine ran out of memory.",
            .type(["OutOfMemoryError", "MemoryError", "OutOfMemoryException"]),
            .text([
                "out of memory", "cannot allocate memory", "oom-kill", "oomkilled", "java heap space", "std::bad_alloc",
                "heap limit allocation failed",
            ])),
        Rule(
            "resource.disk-full", .resource, .critical, "No space was left on a disk.",
            .text(["no space left on device", "disk quota exceeded", "not enough space on the disk", "enospc"])),
        Rule(
            "resource.too-many-files", .resource, .high, "Too many files, sockets, threads or processes were open.",
            .text([
                "too many open files", "emfile", "unable to create new native thread", "resource temporarily unavailable", "pthread_create failed",
            ])),
        Rule("resource.answer-too-large", .resource, .medium, "The answer was larger than the limit.", .errorCode(["response_too_large"])),
    ]

    private static let network = [
        Rule(
            "network.dns", .network, .high, "A host name could not be resolved.",
            .errorCode(["dns_failed"]), .type(["UnknownHostException"]),
            .text([
                "could not resolve host", "name or service not known", "temporary failure in name resolution", "getaddrinfo enotfound",
                "getaddrinfo eai_again",
                "no such host", "nodename nor servname provided", "err_name_not_resolved",
            ])),
        Rule(
            "network.connection-refused", .network, .high, "Nobody listened at the address.",
            .errorCode(["connect_failed"]), .type(["ConnectException", "ConnectionRefusedError"]),
            .text(["connection refused", "econnrefused", "err_connection_refused", "failed to connect to", "actively refused it"])),
        Rule(
            "network.tls", .network, .high, "The TLS handshake or the certificate failed.",
            .errorCode(["tls_failed"]), .type(["SSLHandshakeException", "SSLError", "SSLCertVerificationError"]),
            .text([
                "certificate verify failed", "certificate has expired", "self signed certificate", "self-signed certificate", "x509: certificate",
                "ssl handshake",
                "tls handshake", "unable to verify the first certificate", "unable to get local issuer certificate",
            ])),
        Rule(
            "network.connection-lost", .network, .medium, "The connection broke while it was in use.",
            .errorCode(["protocol_violation", "connection_lost"]),
            .type(["ConnectionResetError", "BrokenPipeError", "ConnectionAbortedError", "ChunkedEncodingError", "RemoteDisconnected"]),
            .text([
                "connection reset", "econnreset", "broken pipe", "epipe", "socket hang up", "unexpected eof while reading", "connection aborted",
                "err_connection_reset", "err_connection_closed", "premature close", "empty reply from server",
            ])),
        Rule(
            "network.unreachable", .network, .high, "There was no way to the host.",
            .type(["NoRouteToHostException"]),
            .text([
                "network is unreachable", "no route to host", "ehostunreach", "enetunreach", "host is down", "err_internet_disconnected",
                "err_address_unreachable",
            ])),
        Rule(
            "network.blocked-target", .network, .medium, "Assay may not connect to this address: the operator's allow-list does not hold it.",
            .errorCode(["blocked_target"])),
    ]

    private static let timeout = [
        Rule(
            "timeout.exceeded", .timeout, .high, "Something took longer than it was given.",
            .errorCode(["timeout"]),
            .type([
                "TimeoutError", "TimeoutException", "SocketTimeoutException", "ReadTimeout", "ConnectTimeout", "TestTimedOutException", "Timeout",
                "AsyncTimeoutError",
            ]),
            .text([
                "timed out", "timeout of ", "timeout exceeded", "exceeded timeout", "etimedout", "esockettimedout", "deadline exceeded",
                "timeout after ",
                "err_timed_out", "exceeded the timeout", "did not complete within", "test timeout",
            ]))
    ]

    private static let authentication = [
        Rule(
            "authentication.rejected", .authentication, .high, "The server did not accept who was asking, or what they may do.",
            .httpStatus(401...401), .httpStatus(403...403), .httpStatus(407...407),
            .type(["AuthenticationException", "UnauthorizedError", "AccessDeniedException", "AuthenticationError", "ForbiddenError"]),
            .text([
                "401 unauthorized", "403 forbidden", "authentication failed", "authentication required", "invalid credentials", "bad credentials",
                "invalid token",
                "token has expired", "token expired", "jwt expired", "access denied", "invalid api key", "invalid_grant",
                "password authentication failed",
                "login failed", "http 401", "http 403", "status code 401", "status code 403", "status 401", "status 403",
                "permission denied (publickey",
            ]))
    ]

    private static let serverError = [
        Rule(
            "server-error.5xx", .serverError, .critical, "The system under test answered with a server error.",
            .httpStatus(500...599),
            .type(["InternalServerError", "HttpServerErrorException", "BadGateway", "ServiceUnavailable"]),
            .text([
                "500 internal server error", "internal server error", "502 bad gateway", "bad gateway", "503 service unavailable",
                "service unavailable",
                "504 gateway timeout", "http 500", "http 502", "http 503", "status code 500", "status code 502", "status code 503",
                "status code: 500",
                "status 500", "status 502", "status 503", "upstream connect error",
            ]))
    ]

    private static let environment = [
        Rule(
            "environment.address-in-use", .environment, .medium, "A port or address was taken already.",
            .text(["address already in use", "eaddrinuse", "port is already allocated", "bind: permission denied"])),
        Rule(
            "environment.missing-program", .environment, .high, "A program, file or variable that the test relies on was not there.",
            .type(["FileNotFoundError", "FileNotFoundException", "NoSuchFileException"]),
            .text([
                "command not found", "no such file or directory", "enoent", "executable file not found",
                "is not recognized as an internal or external command",
                "environment variable", "missing required configuration",
            ])),
        Rule(
            "environment.permission", .environment, .medium, "The operating system refused access.",
            .type(["PermissionError"]), .text(["permission denied", "eacces", "operation not permitted", "read-only file system"])),
        Rule(
            "environment.database", .environment, .high, "The test's database was not in the expected state.",
            .text([
                "relation \"", "no such table", "table doesn't exist", "unknown database", "database is locked", "could not connect to server",
                "connection pool exhausted", "too many connections", "too many clients already",
            ])),
        Rule(
            "environment.browser", .environment, .medium, "The browser or its driver could not be used.",
            .type(["SessionNotCreatedException", "WebDriverException", "SessionNotCreatedError"]),
            .text([
                "session not created", "chromedriver", "browser has been closed", "target closed", "cannot find chrome binary",
                "executable doesn't exist at",
                "disconnected: not connected to devtools",
            ])),
        Rule(
            "environment.worker-lost", .environment, .medium, "The worker that executed the case was lost too often.", .errorCode(["infra_lost"])),
    ]

    private static let setup = [
        Rule(
            "setup.import", .setup, .high, "The test could not be loaded: a module, class or symbol was missing.",
            .type([
                "ModuleNotFoundError", "ImportError", "ClassNotFoundException", "NoClassDefFoundError", "NoSuchMethodError", "SyntaxError",
                "LoadError",
                "CompilationError",
            ]),
            .text([
                "cannot find module", "no module named", "cannot import name", "module not found", "undefined symbol", "compilation failed",
                "build failed",
                "cannot find symbol", "failed to load test", "syntaxerror:",
            ])),
        Rule(
            "setup.fixture", .setup, .medium, "What the test needs before it starts did not come about.",
            .text([
                "fixture '", "error at setup of", "failed on setup", "error in fixture", "\"before each\" hook", "\"before all\" hook", "beforeall",
                "beforeeach",
                "setupclass", "in setup", "initializationerror", "failed to set up",
            ])),
        Rule(
            "setup.case", .setup, .medium, "The case itself cannot be carried out as it is written.",
            .errorCode(["unknown_variable", "invalid_request", "invalid_path", "invalid_assertion", "too_many_redirects"])),
    ]

    private static let assertion = [
        Rule(
            "assertion.type", .assertion, .medium, "The test's own expectation did not hold, says the failure's type.",
            .type([
                "AssertionError", "AssertionFailedError", "ComparisonFailure", "AssertionException", "AssertionFailure", "ExpectationNotMetError",
                "ExpectationFailedError", "JestAssertionError", "MultipleFailuresError", "XunitException", "EqualException", "TrueException",
                "TestFailure",
                "Failed", "failure",
            ])),
        Rule(
            "assertion.text", .assertion, .medium, "The test's own expectation did not hold, says its text.",
            .text([
                "assertionerror", "assertion failed", "assert failed", "expected:", "expected ", "expectation failed", "to equal", "to be equal",
                "should be",
                "should have", "but was", "but got", "does not match", "did not match", "not equal", "xctassert", "assertequals", "assert.",
                "assert ", "actual:",
            ])),
        Rule(
            "assertion.failed", .assertion, .medium, "The report calls it a failure, not an error, and says nothing more specific.", .outcome(.failed)
        ),
    ]

    private static let unknown = [
        Rule("unknown", .unknown, .medium, "No rule knows it.", .always)
    ]
}
