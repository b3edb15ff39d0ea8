import Foundation
import Primitives

/// A role that an organization has put together itself.
struct CustomRole: Identified, Sendable, Equatable {
    static let idPrefix = "rol"
    static let nameLength = 1...100
    /// In one organization.
    static let most = 100

    let id: ID<CustomRole>
    let name: String
    let permissions: Set<String>
    let createdAt: Date
    let version: Int64

    /// - Throws: `request.invalid` at `/name`.
    static func checkedName(_ text: String) throws(Fault) -> String {
        let name = text[...].trimmed
        guard nameLength.contains(name.count) else { throw .invalidField("/name", "length", "name must have 1 to 100 characters.") }
        return String(name)
    }

    /// Roles are made out of what the gateway knows; super admins' permissions are nobody's to give.
    /// - Throws: `request.invalid` at the first that there is not.
    static func checkedPermissions(_ texts: [String], at pointer: String) throws(Fault) -> Set<String> {
        let known = Role.organizationAdmin.permissions
        for (index, text) in texts.enumerated() where !known.contains(text) {
            throw .invalidField("\(pointer)/\(index)", "unknown", "\(text.prefix(50)) is not a permission.")
        }
        return Set(texts)
    }
}

/// What a member has, or is to have: a role that every organization has, or one of its own.
enum AssignedRole: Sendable, Equatable {
    case standard(Role)
    case custom(CustomRole)

    var permissions: Set<String> {
        switch self {
        case .standard(let role): role.permissions
        case .custom(let role): role.permissions
        }
    }

    /// In the public words: `viewer`, `rol_…`.
    var text: String {
        switch self {
        case .standard(let role): role.rawValue
        case .custom(let role): role.id.description
        }
    }

    var title: String {
        switch self {
        case .standard(let role): role.title
        case .custom(let role): role.name
        }
    }

    /// As it is stored, beside `customID`.
    var word: String {
        switch self {
        case .standard(let role): role.rawValue
        case .custom: "custom"
        }
    }

    var customID: ID<CustomRole>? {
        if case .custom(let role) = self { role.id } else { nil }
    }

    /// What is left of it in a single project.
    var projectPermissions: Set<String> { permissions.intersection(Self.grantable) }

    /// The permissions that make sense in one project: each is asked for by routes that know the project they are about. All others, new ones
    /// included, are held in a whole organization or not at all.
    static let grantable: Set<String> = [
        "projects.read", "projects.write", "suites.read", "suites.write", "runs.read", "runs.trigger", "results.write", "schedules.read",
        "schedules.write", "channels.read", "channels.write", "artifacts.delete", "failures.triage", "verdicts.read",
    ]
}

/// A role as a request names it, before it has been looked up.
enum RoleReference: Sendable, Equatable {
    case standard(Role)
    case custom(ID<CustomRole>)

    /// - Throws: `request.invalid` at `pointer`.
    init(_ text: String, at pointer: String = "/role") throws(Fault) {
        if let role = Role(rawValue: text) {
            self = .standard(role)
        } else if let id = try? ID<CustomRole>(text) {
            self = .custom(id)
        } else {
            let words = Role.allCases.map(\.rawValue).joined(separator: ", ")
            throw .invalidField(pointer, "unknown", "role must be one of \(words), or the id of a custom role.")
        }
    }
}
