import Primitives

extension Fault {
    /// A newer release wrote the row.
    static let unknownState = Fault(.internal, "stability.unknown_state", "What is remembered of a test cannot be read.")

    static func notReplayable(_ detail: String) -> Fault { Fault(.precondition, "stability.not_replayable", detail) }

    static func incidentNotReplayable(_ detail: String) -> Fault { Fault(.precondition, "environment_incident.not_replayable", detail) }

    static func levelNotReplayable(_ detail: String) -> Fault { Fault(.precondition, "level_change.not_replayable", detail) }

    /// A newer release wrote the row.
    static let unknownLevelChange = Fault(.internal, "level_change.unknown_value", "What is kept of a change of level cannot be read.")

    static let nothingFailed = Fault(.precondition, "environment_incident.nothing_failed", "Of what failed there in that time nothing is kept.")

    static func accountedFor(_ incident: ID<EnvironmentIncident>) -> Fault {
        Fault(
            .precondition, "environment_incident.accounted_for",
            "All that failed there in that time is put down to incidents already, the first of it to \(incident).")
    }

    static let tooManyEnvironmentFailures = Fault(
        .precondition, "environment_incident.too_many_failures",
        "More than \(EnvironmentDeclaration.failureLimit) results failed there in that time. Name a shorter one.")

    static let environmentBusy = Fault.unavailable("environment_incident.busy", "People keep saying something of the incidents that are looked for.")

    /// A newer release wrote the row.
    static let unknownHistogram = Fault(.internal, "trends.unknown_histogram", "What is kept of durations cannot be read.")

    /// A newer release wrote the row.
    static let unknownTestDay = Fault(.internal, "trends.unknown_test_day", "What is kept of a test by days cannot be read.")

    /// A newer release wrote the row.
    static let unknownSheet = Fault(.internal, "comparison.unknown_sheet", "What is kept of tests by weeks cannot be read.")

    static func tooManyFacts() -> Fault {
        Fault(.invalid, "facts.too_many", "One delivery holds at most \(FactBatch.maxFacts) facts.")
    }

    static func tooManyMessages() -> Fault {
        Fault(.invalid, "messages.too_many", "One delivery holds at most \(MessageBatch.maxMessages) messages.")
    }

    static func tooManyFailureVerdicts() -> Fault {
        Fault(.invalid, "failure_verdicts.too_many", "One delivery holds at most \(FailureVerdict.mostAtOnce) verdicts.")
    }

    /// The facts are on their way. No time is named, so that the sender waits longer from try to try.
    static let failureNotKnownYet = Fault(.unavailable, "failure_verdicts.unknown_failure", "Of some of the failures nothing has come yet.")

    /// A newer release wrote the row.
    static let unknownQuarantineVersion = Fault(.internal, "quarantine.unknown_value", "What a quarantine said cannot be read.")

    static func quarantineExists(_ test: ID<Test>) -> Fault {
        Fault(.conflict, "quarantine.exists", "Test \(test) is quarantined already.")
    }

    static func quarantineFull(_ most: Int) -> Fault {
        Fault(.precondition, "quarantine.full", "A project has at most \(most) tests in quarantine.")
    }
}
