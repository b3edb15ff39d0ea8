import Foundation
import Primitives

/// Everything about one product under test hangs on a project.
struct Project: Identified, Sendable, Equatable {
    static let idPrefix = "prj"

    let id: ID<Project>
    let slug: Slug
    let name: String
    let description: String
    let defaultBranch: String
    let createdAt: Date
    let updatedAt: Date
    /// Raised by every change.
    let version: Int64
}

extension Project {
    /// What CreateProject takes, checked.
    struct Draft: Sendable, Equatable {
        let slug: Slug
        let name: String
        let description: String
        let defaultBranch: String

        /// - Parameter spareSlug: for a name that no slug can be made from.
        /// - Throws: `request.invalid` naming the field.
        init(name: String, slug: String, spareSlug: String, description: String, defaultBranch: String) throws(Fault) {
            self.name = try Text.name(name, "/name")
            self.slug = try slug.isEmpty ? Slug(madeFrom: name, orElse: spareSlug) : Slug(slug)
            self.description = try Text.prose(description, "/description")
            self.defaultBranch = try defaultBranch.isEmpty ? "main" : Text.name(defaultBranch, "/default_branch")
        }
    }

    /// What UpdateProject takes: `nil` leaves a field as it is.
    struct Change: Sendable, Equatable {
        let name: String?
        let description: String?
        let defaultBranch: String?

        /// - Throws: `request.invalid` naming the field.
        init(name: String?, description: String?, defaultBranch: String?) throws(Fault) {
            self.name = if let name { try Text.name(name, "/name") } else { nil }
            self.description = if let description { try Text.prose(description, "/description") } else { nil }
            self.defaultBranch = if let defaultBranch { try Text.name(defaultBranch, "/default_branch") } else { nil }
        }
    }
}
