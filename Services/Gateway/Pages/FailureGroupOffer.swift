import Foundation
import Primitives
import ProjectsAPI
import SwiftProtobuf
import ValidationAPI

extension FailureGroupPage {
    /// What a split and a join have to choose from: signatures of the group and open groups, a page of each at a time, as the page's address says. A group
    /// of a large project can have hundreds of either.
    struct Offer: Sendable {
        /// In the address: cursors of the two, and part of what the groups say.
        private static let signatures = "signatures"
        private static let groups = "groups"
        private static let search = "join"

        let signatureCursor: String
        let groupCursor: String
        let q: String

        /// - Parameter isFirst: begins anew, as where a decision was not taken and the address is that of the decision.
        /// - Throws: `page.invalid_cursor`
        init(_ visit: Visit, isFirst: Bool) throws {
            let q = try isFirst ? "" : (visit.context.query(Self.search) ?? "").trimmed.shortened(to: 200)
            signatureCursor = try isFirst ? "" : visit.cursor(filter: [], named: Self.signatures)
            groupCursor = try isFirst ? "" : visit.cursor(filter: [(Self.search, q)], named: Self.groups)
            self.q = q
        }

        /// - Parameters:
        ///   - signatures: the cursor behind those that are shown; empty where there are no more.
        ///   - groups: the same of groups.
        func shown(_ visit: Visit, signatures: String, groups: String) throws -> Offered {
            Offered(
                q: q, isSplitOpen: !signatureCursor.isEmpty, isJoinOpen: !(q + groupCursor).isEmpty,
                signatures: try visit.pager(
                    next: signatures, filter: [], label: "More", firstLabel: "First", fragment: "split", named: Self.signatures),
                groups: try visit.pager(next: groups, filter: [(Self.search, q)], label: "More", fragment: "join", named: Self.groups))
        }
    }

    /// The same as the page shows it.
    struct Offered: Sendable {
        var q = ""
        var isSplitOpen = false
        var isJoinOpen = false
        var signatures: Pager?
        var groups: Pager?
    }

    /// Open groups of the project, for those who may join them with this one; those that were seen last come first.
    static func others(_ visit: Visit, project: PBProject, _ offer: Offer) async -> PBListFailureGroupsResponse {
        guard visit.may(TriagePage.permission, in: project) else { return PBListFailureGroupsResponse() }
        let panel = await Panel.load("Failures") {
            try await PBFailureGroups.Client(wrapping: visit.upstream("validation")).listFailureGroups(
                .with {
                    $0.project = project.id
                    $0.limit = otherLimit
                    $0.cursor = offer.groupCursor
                    $0.state = TriagePage.Filter.open
                    $0.q = offer.q
                })
        }
        return panel.content ?? PBListFailureGroupsResponse()
    }
}
