import Primitives

/// What Analytics knows of a test that fails in a run, but for that failure. Kept in receipts as JSON: a member that is added must be optional.
struct FailureEvidence: Codable, Sendable, Equatable {
    /// What a test is known for. The raw values are stored.
    enum Reputation: String, Codable, Sendable {
        case stable, flaky, broken, regressed, environment, unknown
    }

    /// The machine's, by all other results; `nil` when there is none.
    var machine: Reputation?
    var confidence = 0.0
    /// That a failure of the test falls by chance.
    var flakyChance = 0.0
    /// Why, a sentence each.
    var reasons: [String] = []
    /// Edition of the machine's beliefs.
    var model: Int32 = 0
    /// It passed in another run of the commit on which it fails in this one.
    var passedOnCommit = false
    /// What a person says of the test; `nil` while nobody does.
    var person: Reputation?
    var personReason = ""
    /// The standing incident that this failure is put down to; empty when there is none.
    var incident = ""
    var incidentReason = ""
    var isQuarantined = false
}
