import Foundation
import ValidationAPI

/// A person's split or merge, as the page of a group that it names tells it: the machine keeps to it until a later one.
struct GroupDecisionRow: Sendable {
    /// Another group that signatures of the decision are in now.
    struct Other: Sendable {
        let path: String
        let label: String
    }

    let label: String
    let person: String
    let decided: Moment
    let note: String?
    let others: [Other]

    /// - Parameters:
    ///   - group: whose page it is.
    ///   - project: its slug.
    init(_ decision: PBGroupingDecision, in group: String, of project: String, now: Date) {
        let isSplit = decision.kind == .split
        let count = NumberText.counted(decision.signatures, "signature")
        // Of a split: whether what is here was taken out, or is what it was taken from. Both, when a later decision joined them again; neither, when so
        // many groups have parts of it that this one is not told.
        let here = Set(decision.groups.filter { $0.group == group }.map(\.takenOut))
        label =
            switch (isSplit, here) {
            case (false, _): "Joined \(count)"
            case (true, [true]): "Taken out of what was one group"
            case (true, [false]): "Some of it was taken out"
            case (true, []): "Split"
            default: "Split, and joined again later"
            }
        person = decision.decidedBy.nonEmpty?.shortened(to: 100) ?? "somebody"
        decided = Moment(decision.decidedAt, now: now)
        note = decision.note.nonEmpty?.shortened(to: 500)
        others = decision.groups.filter { $0.group != group }.map { other in
            let part = NumberText.counted(other.signatures, "signature")
            return Other(
                path: PageAddress.path("projects", project, "failures", other.group),
                label: isSplit ? "\(part) \(other.takenOut ? "taken out" : "left") in another group" : "\(part) in another group now")
        }
    }
}
