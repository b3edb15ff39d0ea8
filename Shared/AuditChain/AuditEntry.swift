import Foundation
import Primitives

/// What an audit entry's id stands for.
package enum AuditRecord: Identified {
    package static let idPrefix = "aud"
}

/// One act, as it stands in the chain. Everything is text exactly as it is exported, so that whoever checks a chain parses nothing.
package struct AuditEntry: Sendable, Equatable {
    package var organization: String
    /// From 1, without gaps.
    package var number: Int64
    /// `aud_…`, given where the act was done.
    package var id: String
    /// RFC 3339 in UTC with milliseconds.
    package var at: String
    /// The service that did it.
    package var service: String
    /// `run.started`, from the contract.
    package var action: String
    /// `key_…`, `usr_…`, `service:…`.
    package var actor: String
    /// Id of what it was done to.
    package var subject: String
    /// Id of the project it belongs to; empty for none.
    package var project: String
    package var details: [String: String]
    package var requestID: String
    package var address: String

    package init(
        organization: String, number: Int64, id: String, at: String, service: String, action: String, actor: String, subject: String,
        project: String, details: [String: String], requestID: String, address: String
    ) {
        self.organization = organization
        self.number = number
        self.id = id
        self.at = at
        self.service = service
        self.action = action
        self.actor = actor
        self.subject = subject
        self.project = project
        self.details = details
        self.requestID = requestID
        self.address = address
    }

    /// What is hashed: the fields as net strings, details last, in the order of their names' bytes.
    package var canonical: Data {
        let pairs = details.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.flatMap { [$0.key, $0.value] }
        return NetString.bytes(
            [
                "assay audit entry 1", organization, "\(number)", id, at, service, action, actor, subject, project, requestID, address,
                "\(pairs.count / 2)",
            ] + pairs)
    }

    package func hash(after previous: AuditHash) -> AuditHash { previous.next(canonical) }

    /// The text form of a time in the chain.
    package static func text(of time: Date) -> String {
        // A Double is seldom a whole millisecond; the fifth of one that is added keeps it from being cut to the one before.
        rounded(time).addingTimeInterval(0.0002).formatted(
            .iso8601.year().month().day().time(includingFractionalSeconds: true).timeZone(separator: .omitted))
    }

    /// To the millisecond, which is as precise as a chain is.
    package static func rounded(_ time: Date) -> Date {
        Date(timeIntervalSince1970: (time.timeIntervalSince1970 * 1000).rounded() / 1000)
    }
}
