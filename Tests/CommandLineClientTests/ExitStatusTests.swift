import Testing

@testable import CommandLineClient

@Suite struct ExitStatusTests {
    @Test(
        "how a run ended is what waiting for it exits with",
        arguments: [("PASSED", 0), ("FAILED", 1), ("ERROR", 1), ("CANCELLED", 1), ("TIMED_OUT", 5)] as [(String, Int32)])
    func runs(state: String, code: Int32) { #expect(ExitStatus(runState: state).rawValue == code) }

    @Test(
        "each failure has the code of its kind",
        arguments: [
            (.usage("x"), 2), (.local("x"), 2), (.signedOut, 3), (.unreachable("x"), 4), (.timedOut("x"), 5),
            (.refused(APIProblem(status: 400, code: "x")), 2), (.refused(APIProblem(status: 404, code: "x")), 2),
            (.refused(APIProblem(status: 401, code: "x")), 3), (.refused(APIProblem(status: 403, code: "x")), 3),
            (.refused(APIProblem(status: 429, code: "x")), 4), (.refused(APIProblem(status: 503, code: "x")), 4),
        ] as [(ClientFailure, Int32)])
    func failures(failure: ClientFailure, code: Int32) { #expect(failure.exitStatus.rawValue == code) }

    @Test(
        "only what may pass is tried again",
        arguments: [
            (429, "limits.rate", true), (503, "unavailable", true), (500, "internal", true), (409, "idempotency.running", true),
            (409, "idempotency.key_reused", false),
            (429, "quota_exceeded", false), (413, "upload.too_large", false), (422, "report.not_junit", false), (401, "keys.unknown", false),
        ])
    func passing(status: Int, code: String, expected: Bool) { #expect(APIProblem(status: status, code: code).isPassing == expected) }
}
