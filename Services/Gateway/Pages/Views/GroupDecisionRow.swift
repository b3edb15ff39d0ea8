import Foundation
import ValidationAPI

/// A person's split, merge or cut, as the page of a group that it names tells it: the machine keeps to it until a later one.
struct GroupDecisionRow: Sendable {
    /// Another group that signatures of the decision are in now.
    struct Other: Sendable {
        let path: String
        let label: String
    }

    let label: String
    /// By which failures have been taken apart.
    let text: String?
    /// How far that is.
    let progress: String?
    let person: String
    let decided: Moment
    let note: String?
    let others: [Other]

    /// - Parameters:
    ///   - group: whose page it is.
    ///   - project: its slug.
    init(_ decision: PBGroupingDecision, in group: String, of project: String, now: Date) {
        let count = NumberText.counted(decision.signatures, "signature")
        // Of a split or a cut: whether what is here was taken out, or is what it was taken from. Both, when a later decision joined them again; neither, when so
        // many groups have parts of it that this one is not told.
        let here = Set(decision.groups.filter { $0.group == group }.map(\.takenOut))
        let isCut = decision.kind == .cut
        label =
            switch (decision.kind, here) {
            case (.cut, [true]): "Taken out of another group, by the text"
            case (.cut, [false]): "Some of its failures taken out, by the text"
            case (.cut, []): "Failures taken out, by the text"
            case (.cut, _): "Taken apart, and joined again later, by the text"
            case (.split, [true]): "Taken out of what was one group"
            case (.split, [false]): "Some of it was taken out"
            case (.split, []): "Split"
            case (.split, _): "Split, and joined again later"
            default: "Joined \(count)"
            }
        text = isCut ? decision.cut.text.withoutTerminalColours.shortened(to: 200) : nil
        progress = isCut ? Self.progress(decision.cut) : nil
        person = decision.decidedBy.nonEmpty?.shortened(to: 100) ?? "somebody"
        decided = Moment(decision.decidedAt, now: now)
        note = decision.note.nonEmpty?.shortened(to: 500)
        others = decision.groups.filter { $0.group != group }.map { other in
            let part = NumberText.counted(other.signatures, "signature")
            let label =
                switch decision.kind {
                case .cut: other.takenOut ? "What was taken out" : "What is left"
                case .split: "\(part) \(other.takenOut ? "taken out" : "left") in another group"
                default: "\(part) in another group now"
                }
            return Other(path: PageAddress.path("projects", project, "failures", other.group), label: label)
        }
    }

    private static func progress(_ cut: PBGroupingCut) -> String {
        let moved = "\(NumberText.counted(cut.moved, "failure")) moved"
        guard cut.state == .done else {
            return "\(moved) so far; \(NumberText.grouped(cut.done)) of \(NumberText.grouped(max(cut.done, cut.failures))) looked at."
        }
        return cut.withoutTexts > 0 ? "\(moved); \(NumberText.grouped(cut.withoutTexts)) stay, since what they said is not kept." : "\(moved)."
    }
}
