import Foundation
import Primitives

/// Failures of one project that are taken for the same trouble. Its id is the id of the signature in it that failed first.
package struct FailureGroup: Identified, Sendable {
    package static let idPrefix = "grp"
    /// A project has as many groups as signatures at most; this is what one bulk action reaches.
    static let maxApplied = 500
    static let maxOwner = 100
    static let maxProposedOwners = 3
    static let maxNote = 500
    static let maxBranch = 255
    static let maxCommit = 64
    static let maxSearch = 200

    let id: ID<FailureGroup>
    let project: ID<Project>
    let state: GroupState
    /// What all its failures say, `<*>` where they differ.
    let template: String
    let errorType: String
    let location: String
    /// What people said last of any of its failures; where nobody did, of the failure that was seen last.
    let category: Category
    let severity: Severity
    /// What the machine says where a person says something else.
    let overruled: Overruled?
    /// The failure that people said it of.
    let verdictResult: ID<Result>?
    let failures: Int64
    let tests: Int64
    let signatures: Int64
    let firstSeen: Sighting
    let lastSeen: Sighting
    /// Up to 500 characters of a message as it was reported.
    let sample: String
    /// Empty when nobody looks after it.
    let owner: String
    /// Whom its tests belong to, those with most of them first.
    let proposedOwners: [String]
    /// The latest one; stays when it has been contradicted.
    let resolution: Resolution?
    /// The earliest failure that contradicts the resolution, whenever it was heard of.
    let regression: Sighting?
    /// Since when the commit of `regression` runs: after the resolution, unless it is the commit that was to mend it.
    let regressionSince: Date?
    /// What the state was reached from; `nil` where a release before this one wrote the group.
    let basis: StateBasis?
}

extension SignatureID: CustomStringConvertible {
    package var group: ID<FailureGroup> { ID(uuid: uuid) }
    package var description: String { group.description }
}

/// A run in which something failed, and one failing result of it.
struct Sighting: Sendable, Equatable {
    /// Start of the run.
    let at: Date
    let result: ID<Result>
    let run: ID<Run>
    let branch: String
    let commit: String
    let environment: String
}

/// What a project's groups are selected by; all that is given must hold.
struct GroupFilter: Sendable, Equatable {
    var states: [GroupState] = []
    var categories: [Category] = []
    /// Seen on it; empty for any.
    var branch = ""
    var owner = ""
    /// Part of what is shown of the group, in any case.
    var text = ""
}

/// The order of a list of groups. The raw value is part of cursors.
enum GroupSort: String, Sendable {
    case lastSeen = "l"
    case failures = "f"
    /// Nothing moves in it, but by merges and splits.
    case id = "i"
}

/// Where a page of groups ends: what they are ordered by, and the group, since others may have the same.
struct GroupCursor: CustomStringConvertible {
    let sort: GroupSort
    /// Microseconds since 1970, or failures; 0 where the id alone gives the order.
    let value: Int64
    let group: ID<FailureGroup>

    init(_ last: FailureGroup, by sort: GroupSort) {
        self.sort = sort
        group = last.id
        value =
            switch sort {
            case .lastSeen: Int64((last.lastSeen.at.timeIntervalSince1970 * 1_000_000).rounded())
            case .failures: last.failures
            case .id: 0
            }
    }

    /// - Throws: `page.invalid_cursor`, also for one of a list in another order.
    init?(_ text: String?, by sort: GroupSort) throws(Fault) {
        guard let text else { return nil }
        let parts = text.split(separator: "~")
        guard parts.count == 3, parts[0] == sort.rawValue, let value = Int64(parts[1]), let group = try? ID<FailureGroup>(String(parts[2])) else {
            throw .invalidCursor
        }
        (self.sort, self.value, self.group) = (sort, value, group)
    }

    var time: Date { Date(timeIntervalSince1970: Double(value) / 1_000_000) }
    var description: String { "\(sort.rawValue)~\(value)~\(group)" }
}

extension Signature: Identified {
    package static let idPrefix = "sig"
}

extension String {
    /// A text as a request may hold it.
    /// - Throws: `request.invalid` at `pointer`: more than `most` characters (code points), or NUL, which PostgreSQL does not take.
    func bounded(_ most: Int, at pointer: String) throws(Fault) -> String {
        guard unicodeScalars.count <= most, !utf8.contains(0) else {
            throw .invalidField(pointer, "invalid_text", "At most \(most) characters, none of them NUL.")
        }
        return self
    }
}
