import Primitives

extension Fault {
    static func baselineUnsuitable(_ run: ID<Run>) -> Fault {
        Fault(
            .precondition, "baselines.run_unsuitable",
            "Run \(run) is no baseline: it has to be finished, whole and of a trusted build, and a test has to have passed in it.")
    }

    /// Imports are never judged, so Validation has not heard of them.
    static func nothingJudged(_ run: ID<Run>) -> Fault {
        Fault(
            .notFound, "validation.not_found",
            "Nothing has been judged of run \(run): it is unknown, not finished yet, or was imported (started_at).")
    }

    static func baselineDecided(_ id: ID<Baseline>, _ state: Baseline.State) -> Fault {
        Fault(.precondition, "baselines.decided", "Baseline \(id) has been \(state.rawValue) already.")
    }

    static func baselineNotApproved(_ id: ID<Baseline>, _ state: Baseline.State) -> Fault {
        Fault(.precondition, "baselines.not_approved", "Baseline \(id) is \(state.rawValue): only an approval can be withdrawn.")
    }

    static func ownBaseline(_ id: ID<Baseline>) -> Fault {
        Fault(.forbidden, "baselines.own_proposal", "Baseline \(id) is your own proposal; somebody else has to approve it.")
    }

    static func tooManyFailures() -> Fault {
        Fault(.invalid, "failures.too_many", "One delivery holds at most \(FailedResult.maxBatch) results.")
    }

    static func rulesFull() -> Fault {
        Fault(.precondition, "rules.full", "A project has at most \(ProjectRule.maxRules) rules.")
    }
    static func ruleNameTaken(_ name: String) -> Fault {
        Fault(
            .conflict, "rules.name_taken", "Another rule of the project is called \(name).",
            fields: [.init("/draft/name", "taken", "Choose another.")])
    }
    static func notReplayable(_ detail: String) -> Fault { Fault(.precondition, "failures.not_replayable", detail) }
    static func logPatternNotReplayable(_ detail: String) -> Fault { Fault(.precondition, "log_patterns.not_replayable", detail) }
    static let recategorisationUnderWay = Fault(
        .conflict, "recategorisations.under_way", "The failures of this project are being judged again already.")
    static let notInGroup = Fault(
        .invalid, "failure_groups.not_in_group", "What is taken out of a group must be in it: list its signatures again.",
        fields: [.init("/signatures", "not_in_group", "Signatures of this group.")])
    static let nothingLeft = Fault(
        .invalid, "failure_groups.nothing_left", "Name some of the group's signatures, not all of them and not none.",
        fields: [.init("/signatures", "nothing_left", "Some, not all.")])
    static func groupNotReplayable(_ detail: String) -> Fault { Fault(.precondition, "failure_groups.not_replayable", detail) }
    static func holdsRest(_ group: ID<FailureGroup>) -> Fault {
        Fault(
            .precondition, "failure_groups.holds_rest",
            "Group \(group) holds what found no room among more than \(GroupingIndex.maxPerBucket) sorts of failures that look like it. It is neither joined nor split."
        )
    }
    static let decisionsFull = Fault(
        .precondition, "failure_groups.decisions_full",
        "A project keeps at most \(GroupingIndex.maxConstraints) splits and merges.")
    static let cutNeedsSignature = Fault(
        .invalid, "failure_groups.signature_needed", "The group has several signatures: name the one whose failures are taken apart.",
        fields: [.init("/signature", "signature_needed", "One of this group's signatures.")])
    static func textNowhere(among looked: Int) -> Fault {
        Fault(
            .invalid, "failure_groups.text_nowhere", "None of the newest \(looked) failures contains this text. Upper and lower case differ.",
            fields: [.init("/text", "text_nowhere", "A text that some of them contain.")])
    }
    static func textEverywhere(among looked: Int) -> Fault {
        Fault(
            .invalid, "failure_groups.text_everywhere", "All of the newest \(looked) failures contain this text, so nothing would be left.",
            fields: [.init("/text", "text_everywhere", "A text that some of them do not contain.")])
    }
    static let cutsFull = Fault(
        .precondition, "failure_groups.cuts_full",
        "A signature is taken apart by at most \(Cut.maxPerSignature) texts, all of a project together by \(Cut.maxPerProject).")
}
