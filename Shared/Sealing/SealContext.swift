import Foundation
import Primitives

/// The place of a sealed value. It is authenticated with the value, so a row copied over another does not open.
package struct SealContext: Hashable, Sendable {
    package let tenant: ID<Tenant>
    package let table: String
    package let column: String
    package let row: UUID

    package init(tenant: ID<Tenant>, table: String, column: String, row: UUID) {
        self.tenant = tenant
        self.table = table
        self.column = column
        self.row = row
    }

    /// The tenant under which secrets are sealed that belong to no organization, such as those of a person: the nil UUID, which no
    /// organization can have, since theirs are UUIDv7.
    package static let installation = ID<Tenant>(uuid: UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)))

    /// Fields of fixed length, and lengths before the others: no two places have the same bytes.
    var bytes: Data {
        var bytes = Data()
        for id in [tenant.uuid, row] { withUnsafeBytes(of: id.uuid) { bytes.append(contentsOf: $0) } }
        for name in [table, column] {
            withUnsafeBytes(of: UInt32(name.utf8.count).bigEndian) { bytes.append(contentsOf: $0) }
            bytes.append(contentsOf: name.utf8)
        }
        return bytes
    }
}
