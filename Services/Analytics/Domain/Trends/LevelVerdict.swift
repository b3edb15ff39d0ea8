import Foundation
import Primitives

/// What a person says of a change of level. The latest stands above the machine's, which goes on finding changes and learns nothing from it.
struct LevelVerdict: Sendable, Equatable {
    /// Characters of a note.
    static let maxNote = 1000

    /// The raw values are stored.
    enum Kind: String, Sendable, CaseIterable {
        /// No change at all.
        case dismissed
        case confirmed
    }

    let change: ID<LevelChange>
    /// `nil` where the machine's stands alone: nobody has said anything, or it was taken back.
    let kind: Kind?
    let note: String
    let decidedBy: String
    let decidedAt: Date?
    /// 1 before anybody has said anything.
    let version: Int64
}

extension LevelVerdict {
    /// Nobody has said anything.
    init(unsaidOf change: ID<LevelChange>) {
        self.init(change: change, kind: nil, note: "", decidedBy: "", decidedAt: nil, version: 1)
    }
}
