import Foundation
import Primitives

/// One tick of a schedule. `pending` becomes `started` or `failed`, once.
struct Firing: Identified, Sendable {
    static let idPrefix = "fir"

    enum State: String, Sendable, CaseIterable { case pending, started, failed, skipped }

    let id: ID<Firing>
    let schedule: ID<Schedule>
    let tickAt: Date
    let firedAt: Date
    let state: State
    let run: ID<Run>?
    let reason: String
}
