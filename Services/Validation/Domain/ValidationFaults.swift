import Primitives

extension Fault {
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
    static let recategorisationUnderWay = Fault(
        .conflict, "recategorisations.under_way", "The failures of this project are being judged again already.")
}
