import AuditChain
import Foundation
import Primitives

/// One act as the service that did it writes it down. Texts are bounded, so that no request can make an entry large.
package struct AuditNote: Sendable, Equatable {
    package static let maxDetails = 20
    package static let maxText = 500

    package let action: String
    package let actor: String
    package let subject: String
    package let project: String
    package let details: [String: String]
    package let requestID: String
    package let address: String

    package init(
        action: String, actor: String, subject: String, project: String = "", details: [String: String] = [:], requestID: String = "",
        address: String = ""
    ) {
        self.action = Self.bounded(action)
        self.actor = Self.bounded(actor)
        self.subject = Self.bounded(subject)
        self.project = Self.bounded(project)
        self.details = Dictionary(
            details.sorted { $0.key < $1.key }.prefix(Self.maxDetails).map { (Self.bounded($0.key), Self.bounded($0.value)) },
            uniquingKeysWith: { first, _ in first })
        self.requestID = Self.bounded(requestID)
        self.address = Self.bounded(address)
    }

    /// PostgreSQL takes no NUL in text.
    private static func bounded(_ text: String) -> String {
        let text = text.utf8.contains(0) ? text.replacing("\0", with: "") : text
        return text.utf8.count <= maxText ? text : String(decoding: text.utf8.prefix(maxText), as: UTF8.self)
    }
}

/// A note that waits to be collected.
package struct PendingAuditNote: Sendable {
    package let tenant: ID<Tenant>
    package let id: ID<AuditRecord>
    package let at: Date
    package let note: AuditNote

    package init(tenant: ID<Tenant>, id: ID<AuditRecord>, at: Date, note: AuditNote) {
        self.tenant = tenant
        self.id = id
        self.at = at
        self.note = note
    }
}
