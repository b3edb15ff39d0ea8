import Primitives

extension Fault {
    static func slugTaken(_ slug: Slug) -> Fault {
        Fault(
            .conflict, "projects.slug_taken", "There is a project \(slug) already.",
            fields: [.init("/slug", "taken", "Choose another slug.")])
    }

    static func suiteNameTaken(_ name: String) -> Fault {
        Fault(.conflict, "suites.name_taken", "The project has a suite of this name already.", fields: [.init("/name", "taken", name)])
    }

    static func caseNameTaken(_ name: String) -> Fault {
        Fault(.conflict, "cases.name_taken", "The suite has a case of this name already.", fields: [.init("/name", "taken", name)])
    }

    static func suiteFull() -> Fault {
        Fault(.precondition, "suites.full", "A suite holds at most \(Suite.maxCases) cases.")
    }

    static func suiteEmpty(_ id: ID<Suite>) -> Fault {
        Fault(.precondition, "suites.empty", "Suite \(id) has no case to run.")
    }
}
