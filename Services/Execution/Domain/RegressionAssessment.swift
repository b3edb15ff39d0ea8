import Primitives

/// What a failure since the baseline is believed to be, by what is known of its test and of the machines. The same evidence always gives the same.
///
/// What speaks for this very failure comes before what speaks for its test: an incident that it stands in, then a pass on the same commit. Then a
/// person's verdict on the test, then the machine's.
struct RegressionAssessment: Sendable, Equatable {
    /// The raw values are stored.
    enum Kind: String, Codable, Sendable, CaseIterable {
        case regression, flake, environment, uncertain
        /// A person's alone.
        case noRegression = "no_regression"
    }

    /// Of the rules below: receipts say by which they were reached.
    static let edition: Int32 = 1
    /// As sure as that the machine has to be that a test is flaky. To call a regression a flake hides it, to call a flake a regression costs a look.
    static let flakeConfidence = 0.8

    let kind: Kind
    /// 0…1
    let confidence: Double
    /// A sentence each, what decided it first.
    let reasons: [String]

    /// - Parameter evidence: `nil` when Analytics said nothing of the test.
    init(_ evidence: FailureEvidence?) {
        let evidence = evidence ?? FailureEvidence()
        let (kind, confidence, reason) = Self.decide(evidence)
        self.kind = kind
        self.confidence = confidence
        var reasons = [reason]
        if evidence.person != nil, !evidence.personReason.isEmpty { reasons.append("A person says of the test: \(evidence.personReason)") }
        reasons += evidence.reasons.map { "Other than this failure: \($0)" }
        if evidence.isQuarantined { reasons.append("The test is in quarantine.") }
        self.reasons = reasons
    }

    private static func decide(_ evidence: FailureEvidence) -> (Kind, Double, String) {
        if !evidence.incident.isEmpty {
            return (.environment, 1, "It failed where unrelated tests failed with it. \(evidence.incidentReason)")
        }
        if evidence.passedOnCommit {
            return (.flake, max(flakeConfidence, evidence.flakyChance), "It passed in another run of the same commit, so no commit is the reason.")
        }
        if let person = evidence.person { return decide(by: person) }
        switch evidence.machine {
        case nil: return (.uncertain, 0, "No other result of the test is known.")
        case .flaky where evidence.confidence >= flakeConfidence:
            return (.flake, evidence.confidence, "Without this failure the test is flaky already.")
        case .flaky:
            return (.uncertain, evidence.confidence, "Without this failure the test may be flaky, which is not sure enough.")
        case .stable:
            return (.regression, evidence.confidence, "Without this failure the test is stable.")
        case .regressed:
            return (.regression, evidence.confidence, "It fails in other runs as well, without a pass since.")
        case .broken:
            return (.regression, evidence.confidence, "It has never passed where it ran otherwise.")
        case .environment:
            return (.uncertain, evidence.confidence, "Other failures of the test were the environment's; this one is put down to none.")
        case .unknown:
            return (.uncertain, evidence.confidence, "Without this failure it is not clear whether the test can be relied on.")
        }
    }

    private static func decide(by person: FailureEvidence.Reputation) -> (Kind, Double, String) {
        switch person {
        case .flaky: (.flake, 1, "A person says that the test is flaky.")
        case .environment: (.environment, 1, "A person puts the test's failures down to the environment.")
        case .stable: (.regression, 1, "A person says that the test is stable, so its failure is the code's.")
        case .broken, .regressed: (.regression, 1, "A person says that the test is \(person.rawValue).")
        case .unknown: (.uncertain, 0, "A person has said nothing that decides it.")
        }
    }
}

/// How many tests are believed to be what.
struct AssessmentCounts: Codable, Sendable, Equatable {
    /// Tests of a run that are looked at.
    static let most = 1000

    var regression = 0
    var flake = 0
    var environment = 0
    var uncertain = 0
    var noRegression = 0
    /// Beyond the first `most`.
    var unassessed = 0

    init(_ kinds: some Sequence<RegressionAssessment.Kind>, of all: Int) {
        for kind in kinds {
            switch kind {
            case .regression: regression += 1
            case .flake: flake += 1
            case .environment: environment += 1
            case .uncertain: uncertain += 1
            case .noRegression: noRegression += 1
            }
        }
        unassessed = max(0, all - regression - flake - environment - uncertain - noRegression)
    }
}
