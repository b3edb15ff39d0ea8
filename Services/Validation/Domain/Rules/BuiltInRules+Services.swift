/// What happens between the test and the services it speaks to.
extension BuiltInRules {
    static let dns = [
        Rule(
            "dns.unresolved", .dns, .high, "A host name could not be resolved.",
            .errorCode(["dns_failed"]), .type(["UnknownHostException", "gaierror", "NameResolutionError", "ResolutionError"]),
            .text([
                "could not resolve host", "couldn't resolve host", "could not resolve proxy", "name or service not known",
                "temporary failure in name resolution",
                "getaddrinfo enotfound", "getaddrinfo eai_again", "no such host", "nodename nor servname provided", "err_name_not_resolved",
                "unknownhostexception",
                "failed to lookup address information", "no address associated with hostname", "name resolution failed", "failed to resolve '",
                "non-existent domain", "getaddrinfo failed", "server can't find", "dns_probe_finished",
                "a server with the specified hostname could not be found",
                "the remote name could not be resolved", "ns_error_unknown_host", "name does not resolve",
            ]),
            .word(["nxdomain", "servfail", "enotfound", "eai_again"]))
    ]

    static let tls = [
        Rule(
            "tls.certificate", .tls, .high, "The certificate was not accepted.",
            .type([
                "SSLCertVerificationError", "CertificateException", "CertificateExpiredException", "CertPathValidatorException",
                "SSLPeerUnverifiedException",
            ]),
            .text([
                "certificate verify failed", "certificate has expired", "certificate_verify_failed", "self signed certificate",
                "self-signed certificate",
                "x509: ", "unable to verify the first certificate", "unable to get local issuer certificate",
                "unable to find valid certification path",
                "pkix path building failed", "pkix path validation failed", "err_cert_", "hostname mismatch, certificate",
                "hostname/ip does not match certificate",
                "no subject alternative", "certificate is not trusted", "the remote certificate is invalid",
                "certificate signed by unknown authority",
                "sec_error_unknown_issuer", "invalid peer certificate", "certificate is not yet valid", "certificate verification failed",
                "depth_zero_self_signed_cert",
                "err_tls_cert_altname_invalid", "peer certificate cannot be authenticated", "ssl certificate problem",
            ])),
        Rule(
            "tls.handshake", .tls, .high, "Both sides could not agree on how to encrypt.",
            .errorCode(["tls_failed"]),
            .type(["SSLHandshakeException", "SSLError", "SSLException", "SSLZeroReturnError", "SSLEOFError", "SSLProtocolException"]),
            .text([
                "ssl handshake", "tls handshake", "handshake_failure", "handshake failure", "the ssl connection could not be established",
                "ssl_error_", "err_ssl_",
                "wrong version number", "unsupported protocol (", "unexpected_eof_while_reading", "remote host terminated the handshake",
                "tlsv1 alert", "sslv3 alert",
                "before secure tls connection was established", "no cipher suites in common", "no protocols in common",
                "unsupported or unrecognized ssl message",
                "remote error: tls:", "ssl routines:", "tls: first record does not look like", "received fatal alert", "ssl connect error",
                "no required ssl certificate was sent",
            ])),
    ]

    static let network = [
        Rule(
            "network.connection-refused", .network, .high, "Nobody listened at the address.",
            .errorCode(["connect_failed"]), .type(["ConnectException", "ConnectionRefusedError", "HttpHostConnectException", "ECONNREFUSED"]),
            .text([
                "connection refused", "err_connection_refused", "failed to connect to", "actively refused it", "couldn't connect to server",
                "could not connect to the server",
                "ns_error_connection_refused",
            ]),
            .word(["econnrefused"])),
        Rule(
            "network.connection-lost", .network, .medium, "The connection broke while it was in use.",
            .errorCode(["protocol_violation", "connection_lost"]),
            .type([
                "ConnectionResetError", "BrokenPipeError", "ConnectionAbortedError", "ChunkedEncodingError", "RemoteDisconnected",
                "NoHttpResponseException",
                "IncompleteRead", "ConnectionClosedException", "ServerDisconnectedError", "PrematureCloseException", "ECONNRESET", "EPIPE",
            ]),
            .text([
                "connection reset", "broken pipe", "socket hang up", "unexpected eof while reading", "connection aborted", "err_connection_reset",
                "err_connection_closed", "err_empty_response", "premature close", "premature end of content-length", "empty reply from server",
                "other side closed",
                "connection closed by remote host", "an existing connection was forcibly closed", "server closed the connection unexpectedly",
                "the network connection was lost", "remote end closed connection without response", "incompleteread(",
                "connection was closed unexpectedly",
                "transport endpoint is not connected", "software caused connection abort", "unexpected end of stream", "http2: server sent goaway",
                "use of closed network connection", "websocket: close 1006", "stream error: stream id", "server has gone away",
            ]),
            .word(["econnreset", "epipe", "econnaborted", "err_stream_premature_close", "und_err_socket"])),
        Rule(
            "network.unreachable", .network, .high, "There was no way to the host.",
            .type(["NoRouteToHostException", "PortUnreachableException"]),
            .text([
                "network is unreachable", "no route to host", "host is down", "err_internet_disconnected", "err_address_unreachable",
                "err_network_changed",
                "a socket operation was attempted to an unreachable", "the internet connection appears to be offline", "err_proxy_connection_failed",
                "proxyerror(",
                "err_tunnel_connection_failed", "tunneling socket could not be established",
            ]),
            .word(["ehostunreach", "enetunreach", "enetdown"])),
        Rule(
            "network.blocked-target", .network, .medium, "Assay may not connect to this address: the operator's allow-list does not hold it.",
            .errorCode(["blocked_target"])),
    ]

    /// What the runner of the test gave it; before the network, because the traces of what was going on then are full of sockets.
    static let runnerTimeout = [
        Rule(
            "timeout.test", .timeout, .high, "The test took longer than its runner allows.",
            .type(["TestTimedOutException", "TestTimeoutException"]),
            .text([
                "panic: test timed out after", "test timeout of ", "exceeded timeout of ", "for async tests and hooks, ensure",
                "async callback was not invoked within",
                "test timed out in ", "test timed out after ", "testcase timed out", "failed: timeout >", "test execution timed out",
                "test exceeded execution time allowance",
                "exceeded its time allowance", "the job running on runner", "has exceeded the maximum execution time", "build timed out (after",
                "***timeout", "this job was killed because it exceeded", "execution timed out after ", "##[error]the operation has timed out",
            ]))
    ]

    static let timeout = [
        Rule(
            "timeout.exceeded", .timeout, .high, "Something took longer than it was given.",
            .errorCode(["timeout"]),
            .type([
                "TimeoutError", "TimeoutException", "SocketTimeoutException", "ReadTimeout", "ConnectTimeout", "Timeout", "AsyncTimeoutError",
                "TimeoutExpired",
                "HttpTimeoutException", "HttpConnectTimeoutException", "ReadTimeoutError", "ConnectTimeoutError", "ConditionTimeoutException",
                "WaitTimeoutError",
                "Timeout::Error", "deadlineExceededError", "TaskCanceledException", "QueryTimeoutException",
            ]),
            .text([
                "timed out", "timeout of ", "timeout exceeded", "exceeded timeout", "deadline exceeded", "deadline_exceeded", "timeout after ",
                "err_timed_out",
                "err_connection_timed_out", "exceeded the timeout", "did not complete within", "test timeout", "request timeout",
                "client.timeout exceeded",
                "canceling statement due to statement timeout", "execution expired", "operation timeout", "i/o timeout", "timeout waiting for",
                "408 request timeout",
                "waiting failed: timeout", "was not fulfilled within", "exceeded timeout of", "net/http: timeout", "timeouterror:", "gave up waiting",
            ]),
            .word(["etimedout", "esockettimedout", "und_err_connect_timeout", "und_err_headers_timeout"]))
    ]

    static let authentication = [
        Rule(
            "authentication.rejected", .authentication, .high, "The server did not accept who was asking.",
            .httpStatus(401...401), .httpStatus(407...407),
            .type([
                "AuthenticationException", "UnauthorizedError", "AuthenticationError", "BadCredentialsException", "Unauthorized",
                "HttpUnauthorizedException",
                "TokenExpiredError", "JsonWebTokenError", "ExpiredJwtException", "ExpiredSignatureError", "InvalidTokenError",
            ]),
            .text([
                "401 unauthorized", "authentication failed", "authentication required", "invalid credentials", "bad credentials", "invalid token",
                "token has expired", "token expired", "jwt expired", "jwt malformed", "signature has expired", "invalid api key", "incorrect api key",
                "invalid_grant",
                "invalid_client", "password authentication failed", "no password supplied", "login failed", "permission denied (publickey",
                "access denied for user",
                "invalid username or password", "response code: 401", "code = unauthenticated", "407 proxy authentication required",
                "the security token included in the request is invalid", "unable to locate credentials", "could not read username for",
                "expiredtoken",
            ]),
            .word(["http 401", "status code 401", "status code: 401", "status 401", "status=401", "invalidaccesskeyid"]))
    ]

    static let authorization = [
        Rule(
            "authorization.forbidden", .authorization, .high, "The server knew who was asking and did not allow it.",
            .httpStatus(403...403),
            .type([
                "AccessDeniedException", "ForbiddenError", "AuthorizationException", "AccessControlException", "PermissionDenied", "Forbidden",
                "InsufficientPrivilege", "NotAuthorizedException",
            ]),
            .text([
                "403 forbidden", "access denied", "accessdenied", "insufficient privileges", "insufficient permissions", "insufficient_scope",
                "not authorized to perform",
                "permission denied for ", "must be owner of", "is forbidden: user", "code = permissiondenied", "response code: 403",
                "is not allowed to access",
                "does not have permission to", "requires authorization", "resource not accessible by integration", "you are not allowed to",
                "command denied to user",
            ]),
            .word(["http 403", "status code 403", "status code: 403", "status 403", "status=403"]))
    ]

    static let serverError = [
        Rule(
            "server-error.5xx", .serverError, .critical, "The system under test answered with a server error.",
            .httpStatus(500...599),
            .type([
                "InternalServerError", "HttpServerErrorException", "BadGateway", "ServiceUnavailable", "InternalServerErrorException",
                "GatewayTimeout",
            ]),
            .text([
                "500 internal server error", "internal server error", "502 bad gateway", "bad gateway", "503 service unavailable",
                "service unavailable",
                "504 gateway timeout", "504 gateway time-out", "upstream connect error", "no healthy upstream", "code = unavailable",
                "code = internal desc",
            ]),
            .word(
                ["http", "status code", "status code:", "status", "status=", "response code:"].flatMap { words in
                    (500...504).map { words.hasSuffix("=") ? "\(words)\($0)" : "\(words) \($0)" }
                }))
    ]
}
