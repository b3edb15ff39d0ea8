import Foundation
import Primitives

/// Whose rows a statement may see. Row-level security holds every statement to it; a statement without a scope cannot be written.
package enum Scope: Sendable, Hashable {
    case tenant(ID<Tenant>)
    /// Rows of every tenant, in those tables whose policy allows it: queues, and look-ups that come before the tenant is known. Never for what a
    /// user reads.
    case system

    /// Value of the setting `assay.tenant`; empty matches no row.
    var tenantText: String {
        switch self {
        case .tenant(let id): id.uuid.uuidString
        case .system: ""
        }
    }

    /// Value of the setting `assay.scope`.
    var name: String {
        switch self {
        case .tenant: "tenant"
        case .system: "system"
        }
    }
}
