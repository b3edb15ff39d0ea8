import Foundation
import Primitives

/// A tenant, as those who belong to it see it.
struct Organization: Sendable {
    static let nameLength = 1...200
    /// That one person can own.
    static let mostOwned = 50

    let id: ID<Tenant>
    let name: String
    let createdAt: Date
    let version: Int64
    /// Of who asks; `nil` for keys.
    var role: String?
    var isOwner: Bool = false

    /// - Throws: `request.invalid` at `/name`.
    static func checkedName(_ text: String) throws(Fault) -> String {
        let name = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard nameLength.contains(name.count) else { throw .invalidField("/name", "length", "name must have 1 to 200 characters.") }
        return name
    }
}

/// Numbers of one organization.
struct OrganizationStats: Sendable {
    let active: Int64
    let deactivated: Int64
    let owners: Int64
    let byRole: [String: Int64]
    let invitations: Int64
    let keys: Int64
    let customRoles: Int64
}
