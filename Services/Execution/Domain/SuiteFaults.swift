import Primitives

// The codes of runs that Assay's own workers execute.
extension Fault {
    static func planTooLarge(_ limit: Int) -> Fault {
        Fault(.invalid, "runs.plan_too_large", "With its variables the suite is larger than \(limit >> 20) MiB: split it.")
    }

    /// What Projects sent cannot be executed: it should have refused it.
    static func caseUnreadable(_ name: String, _ what: String) -> Fault {
        Fault(.internal, "runs.case_unreadable", "The case \(Excerpt.of(name, limit: 200)) cannot be executed: \(what)")
    }
}
