/// What each edition changed, and why. Whoever changes a rule adds an edition here and leaves those before it alone.
extension BuiltInRules {
    static let editions = [
        BuiltInEdition(
            number: 2, reading: .ruleByRule,
            changes: [
                .begin(
                    outOfMemory + crash + runnerTimeout + truncatedReport + resource + dns + tls + network + timeout + authentication
                        + authorization + serverError + concurrency + environment + data + setup + assertion + unknown)
            ]),
        BuiltInEdition(number: 3, reading: .textByText, changes: constraints + ownCodes + plainWords + lastResorts),
        BuiltInEdition(number: 4, reading: .textByText, changes: ends),
        BuiltInEdition(number: 5, reading: .textByTextWithNestedTypes, changes: hidden + statuses + runtimes + vague),
    ]

    /// PostgreSQL names the relation when a row breaks a rule of it (SQLSTATE class 23), so `relation "` alone does not say that it is missing.
    private static let constraints: [RuleChange] = [
        .move("data.constraint", before: "environment.database"),
        .extend(
            "data.constraint",
            [
                .text([
                    "violates partition constraint", "violates exclusion constraint", "no partition of relation \"", "\" contains null values",
                ])
            ]),
    ]

    /// What keeps a case of Assay's own from being carried out.
    private static let ownCodes: [RuleChange] = [
        .extend("setup.case", [.errorCode(["unknown_secret", "redirect_refused"])]),
        .add(
            Rule(
                "authorization.secret-host", .authorization, .high, "The case would have sent a secret to a host that is none of the secret's.",
                .errorCode(["secret_host_denied"])),
            before: "server-error.5xx"),
        .add(
            Rule(
                "environment.secrets", .environment, .critical, "Assay could not open the project's secrets.", .errorCode(["secrets_unreadable"])),
            before: "environment.worker-lost"),
        .add(
            Rule(
                "environment.executor", .environment, .medium, "Assay could not carry out the case, or not keep its result.",
                .errorCode(["outbound_saturated", "result_unstorable"])),
            before: "environment.worker-lost"),
        .add(
            Rule(
                "resource.request-too-large", .resource, .medium, "With its variables filled in, the request was larger than the limit.",
                .errorCode(["request_too_large"])),
            before: "resource.answer-too-large"),
    ]

    /// Messages are judged before traces now, so what says that an expectation did not hold must not stand in other words: "unexpected " is none.
    private static let plainWords: [RuleChange] = [
        .forget("assertion.text", ["expected:", "expected "]),
        .extend(
            "assertion.text",
            [
                .word(["expected"]), .text(["failed asserting that", "assertion `", "is not equal to", "' != '", "\" != \"", "not found in '"]),
            ]),
    ]

    /// What reports write of any failure, and names in the frames of a trace: it says less than any text that another rule knows, wherever that
    /// stands.
    private static let lastResorts: [RuleChange] = [
        .forget("assertion.type", ["TestFailure", "Failed", "failure"]),
        .forget("assertion.text", ["assert.", "assertequals", "' failed.", "test failed: ", "error trace:", "value of: "]),
        .add(
            Rule(
                "assertion.reported", .assertion, .medium, "The report calls it a failed test, in words that say nothing more specific.",
                isLastResort: true, .type(["TestFailure", "Failed", "failure"]),
                .text(["assert.", "assertequals", "' failed.", "test failed: ", "error trace:", "value of: "])),
            before: "assertion.failed"),
        .postpone("assertion.failed"), .postpone("unknown"),
    ]

    /// Results that say how a command or its report ended (`ProcessResult` of Execution): by their types, before any word in their texts, which may be a
    /// test's name.
    private static let ends: [RuleChange] = [
        .extend("out-of-memory.killed", [.type(["exit.137"])]),
        .extend("crash.signal", [.type(["exit.132", "exit.133", "exit.134", "exit.135", "exit.136", "exit.138", "exit.139"])]),
        .extend("environment.terminated", [.type(["exit.129", "exit.130", "exit.131", "exit.143"])]),
        .add(
            Rule("timeout.command", .timeout, .high, "The command took longer than it was given.", .type(["exit.124", "exit.142", "exit.152"])),
            before: "timeout.test"),
        .add(
            Rule("setup.command", .setup, .high, "The command that runs the tests could not be started.", .type(["exit.126", "exit.127"])),
            before: "setup.import"),
        .add(
            Rule(
                "truncated-report.cut-off", .truncatedReport, .high, "The report ends too early: what became of the tests behind is not known.",
                .type(["report.truncated"])),
            before: "resource.threads"),
    ]

    /// Texts in which one of an earlier rule stands, so that they never won: `timed out`, `timeout exceeded`, `invalid token`.
    private static let hidden: [RuleChange] = [
        .move("concurrency.deadlock", before: "timeout.exceeded"),
        .forget("environment.database", ["connection is not available, request timed out", "server selection timed out"]),
        .add(
            Rule(
                "environment.database-unavailable", .environment, .high, "No connection to a database, or no server of it, could be had in time.",
                .text(["connection is not available, request timed out", "server selection timed out"])),
            before: "timeout.exceeded"),
        .forget("data.malformed", ["not well-formed (invalid token)"]),
        .add(
            Rule("data.not-well-formed", .data, .medium, "XML could not be read.", .text(["not well-formed (invalid token)"])),
            before: "authentication.rejected"),
    ]

    /// Statuses as clients word them: requests, urllib, `HttpResponseMessage.EnsureSuccessStatusCode` of .NET, and gRPC in Java, Python and node.
    private static let statuses: [RuleChange] = [
        .extend(
            "authentication.rejected",
            [
                .word([
                    "401 client error", "407 client error", "http error 401", "http error 407", "status code does not indicate success: 401",
                    "status code does not indicate success: 407", "unauthenticated:", "statuscode.unauthenticated",
                ])
            ]),
        .extend(
            "authorization.forbidden",
            [.word(["403 client error", "http error 403", "status code does not indicate success: 403", "permission_denied"])]),
        .extend(
            "server-error.5xx",
            [
                .word([
                    "500 server error", "502 server error", "503 server error", "504 server error", "http error 500", "http error 502",
                    "http error 503", "http error 504", "status code does not indicate success: 500",
                    "status code does not indicate success: 502", "status code does not indicate success: 503",
                    "status code does not indicate success: 504", "statuscode.unavailable",
                ])
            ]),
        // What grpc-java calls a channel that broke, or could not be opened.
        .extend("network.connection-lost", [.text(["unavailable: io exception", "unavailable: network closed for unknown reason"])]),
    ]

    /// How runtimes and what runs tests word it: Playwright without a type, YARN, Go.
    private static let runtimes: [RuleChange] = [
        // "items exceeded." ends the same way: the limits of Playwright end in 0, and no blank stands behind them.
        .extend("timeout.exceeded", [.text(["0ms exceeded.", "0ms exceeded while waiting"])]),
        .extend("out-of-memory.killed", [.word(["exit code is 137"])]),
        .extend("crash.signal", [.word(["exit code is 134", "exit code is 139"])]),
        .extend("environment.terminated", [.word(["exit code is 143"])]),
        .extend(
            "crash.runtime",
            [.text(["panic: close of closed channel", "panic: close of nil channel", "panic: assignment to entry in nil map"])]),
        .extend("concurrency.race", [.text(["race detected during execution of test"])]),
    ]

    /// What says only that something went wrong, and stands beside what did: a cause, or what an assertion says.
    private static let vague: [RuleChange] = [
        // undici has one message for whatever keeps an answer from coming.
        .add(
            Rule(
                "network.fetch-failed", .network, .high, "A request got no answer, and nothing says why.", isLastResort: true,
                .text(["fetch failed"])),
            before: "assertion.reported"),
        // Assertions of Rust panic as well: a test that is reported as failed is none of a crash.
        .add(
            Rule(
                "crash.panic", .crash, .high, "A thread panicked, in words that say nothing more specific.", isLastResort: true,
                .text([" panicked at "])),
            before: "unknown"),
    ]
}
