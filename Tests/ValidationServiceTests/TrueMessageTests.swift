import Testing

@testable import ValidationService

@Suite struct TrueMessageTests {
    @Test("what happened to a process is told", arguments: TrueMessages.processes) func processes(_ sample: TrueMessage) { check(sample) }
    @Test("what happened between services is told", arguments: TrueMessages.services) func services(_ sample: TrueMessage) { check(sample) }
    @Test("what is the matter with tests and data is told", arguments: TrueMessages.tests) func tests(_ sample: TrueMessage) { check(sample) }

    @Test("what clients and runtimes print is told, of an error as of a failed test", arguments: TrueMessages.clients)
    func clients(_ sample: TrueMessage) {
        check(sample)
        check(sample, outcome: .errored)
    }

    @Test("a panic of Rust is a crash, unless it is how a test reports that it failed", arguments: TrueMessages.panics)
    func panics(_ sample: TrueMessage) {
        check(sample, outcome: .errored)
        #expect(BuiltInRules.all.judge(Symptoms(message: sample.message)).category == .assertion)
    }

    private func check(_ sample: TrueMessage, outcome: Outcome = .failed) {
        let judgement = BuiltInRules.all.judge(Symptoms(message: sample.message, type: sample.type, trace: sample.trace, outcome: outcome))
        #expect(judgement.category == sample.category, "\(judgement)")
    }

    /// What looks like something and is not.
    @Test(
        "a word within another, a longer number or a mention is not a sign",
        arguments: [
            "expected CreatePipeline to have been called", "the pipeline has 3 stages, expected 4", "exit code 1370 expected 0",
            "expected status 5000 to equal 4999",
            "expected 401 rows but got 403", "expected 137 to equal 139", "expected 'room' to equal 'zoom'", "expected bassign to equal eagainst",
            "expected tls to be a module", "expected the deadlocked state to be shown", "expected timeout to be 30",
            "expected crash count 0 but was 1",
            "expected the memory of the machine to be 8", "expected host to be example.com", "expected order 40001 but got 40002",
            "expected eperms to equal enoents",
            "expected races to be sorted", "expected resource usage below 80", "expected fixtures to have length 3", "expected dnsName to equal 'a'",
            "expected signal 90 but got 91", "expected jwt to have three parts", "expected conflict to be resolved", "expected 500 items, got 503",
            "expected data to match", "expected key 'authentication' in settings", "expected forbidden words to be masked",
            "expected nxdomains to be 3", "expected 1401 client errors but got 2401 client errors", "expected unauthenticated users to be 3",
            "expected permission_denied_total 3 but was 4", "expected the fetch to have failed", "expected nobody to have panicked",
            "expected 30 ms exceeded 20 times", "maximum number of items exceeded.", "budget of 250 ms exceeded.",
        ])
    func nearMisses(message: String) {
        let judgement = BuiltInRules.all.judge(Symptoms(message: message))
        #expect(judgement.category == .assertion, "\(judgement)")
    }

    @Test("every category but unknown is the answer to some true message, and has a rule that everybody has")
    func complete() {
        let told = Set((TrueMessages.processes + TrueMessages.services + TrueMessages.tests).map(\.category))
        #expect(told == Set(ValidationService.Category.allCases).subtracting([.unknown]))
        #expect(Set(BuiltInRules.all.rules.map(\.category)) == Set(ValidationService.Category.allCases))
        #expect(TrueMessages.processes.count + TrueMessages.services.count + TrueMessages.tests.count > 150)
    }
}
