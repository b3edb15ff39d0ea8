import Foundation
import Primitives

/// A test whose failures break no build for a while.
struct Quarantine: Identified, Sendable, Equatable {
    static let idPrefix = "qrn"

    /// The raw values are words of the contract.
    enum State: String, Sendable, CaseIterable {
        case active, expired, lifted
    }

    /// What a test has cost since it was quarantined, until that was lifted.
    struct Cost: Sendable, Equatable {
        let executions: Int64
        /// Those of them that failed or could not run.
        let failures: Int64
        /// Microseconds.
        let duration: Int64

        /// To a thousandth.
        var minutes: Double { (Double(duration) / 60_000).rounded() / 1000 }
    }

    let id: ID<Quarantine>
    let project: ID<Project>
    let test: ID<Test>
    let suiteName: String
    let className: String
    let name: String
    let owner: String
    let ticket: String
    let reason: String
    let expiresAt: Date
    let createdBy: String
    let createdAt: Date
    let liftedBy: String?
    let liftedAt: Date?
    let cost: Cost
    let version: Int64

    /// Expiry is a comparison and no event: no job has to run for a test to turn red again.
    func state(at now: Date) -> State {
        if liftedAt != nil { return .lifted }
        return expiresAt > now ? .active : .expired
    }

    /// Whether a draft says what this one says already: who repeats a request is not told that it is in the way.
    func says(_ draft: Draft) -> Bool {
        owner == draft.owner && ticket == draft.ticket && reason == draft.reason
            && draft.expiresAt.map { abs($0.timeIntervalSince(expiresAt)) < 0.001 } ?? true
    }
}
