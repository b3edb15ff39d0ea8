import Foundation

/// What an actor may do in single projects, beyond what they may do in the whole organization.
package struct ProjectGrants: Sendable, Equatable {
    /// The permissions by project; none is empty.
    package let permissions: [UUID: Set<String>]
    /// The same the other way around, because every call asks in which projects one permission is held.
    private let projects: [String: Set<UUID>]

    package init(_ permissions: [UUID: Set<String>] = [:]) {
        self.permissions = permissions.filter { !$0.value.isEmpty }
        var projects: [String: Set<UUID>] = [:]
        for (project, held) in self.permissions {
            for permission in held { projects[permission, default: []].insert(project) }
        }
        self.projects = projects
    }

    /// `nil` for a permission that is held in no project.
    package func projects(holding permission: String) -> Set<UUID>? { projects[permission] }

    /// Every permission that is held in some project.
    package var words: Set<String> { Set(projects.keys) }

    func adding(_ permission: String, wherever other: String) -> ProjectGrants {
        guard projects[other] != nil else { return self }
        return ProjectGrants(permissions.mapValues { $0.contains(other) ? $0.union([permission]) : $0 })
    }
}
