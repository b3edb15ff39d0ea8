import Primitives

/// What a failure since the baseline is believed to be, by what is known of its test and of the machines. By one edition (`AssessmentEdition`) the
/// same evidence always gives the same.
struct RegressionAssessment: Sendable, Equatable {
    /// The raw values are stored.
    enum Kind: String, Codable, Sendable, CaseIterable {
        case regression, flake, environment, uncertain
        /// A person's alone.
        case noRegression = "no_regression"
    }

    let kind: Kind
    /// 0…1
    let confidence: Double
    /// A sentence each, what decided it first.
    let reasons: [String]

    /// - Parameter evidence: `nil` when Analytics said nothing of the test.
    init(_ evidence: FailureEvidence?, by edition: AssessmentEdition = .current) {
        let evidence = evidence ?? FailureEvidence()
        let (kind, confidence, reason) = Self.decide(evidence, by: edition)
        self.kind = kind
        self.confidence = confidence
        var reasons = [reason]
        if evidence.person != nil, !evidence.personReason.isEmpty { reasons.append("A person says of the test: \(evidence.personReason)") }
        reasons += evidence.reasons.map { "Other than this failure: \($0)" }
        if evidence.isQuarantined { reasons.append("The test is in quarantine.") }
        self.reasons = reasons
    }

    private typealias Decided = (Kind, Double, String)

    private static func decide(_ evidence: FailureEvidence, by edition: AssessmentEdition) -> Decided {
        for ground in edition.order {
            if let decided = ask(ground, evidence, edition) { return decided }
        }
        return (.uncertain, 0, "Nothing that is asked has anything to say of it.")
    }

    /// What one ground says; `nil` when it has nothing to say.
    private static func ask(_ ground: AssessmentEdition.Ground, _ evidence: FailureEvidence, _ edition: AssessmentEdition) -> Decided? {
        switch ground {
        case .incident:
            guard !evidence.incident.isEmpty else { return nil }
            return (.environment, 1, "It failed where unrelated tests failed with it. \(evidence.incidentReason)")
        case .passOnCommit:
            guard evidence.passedOnCommit else { return nil }
            return (
                .flake, max(edition.flakeConfidence, evidence.flakyChance), "It passed in another run of the same commit, so no commit is the reason."
            )
        case .person: return evidence.person.map { decide(by: $0) }
        case .machine: return decide(evidence, needing: edition.flakeConfidence)
        }
    }

    private static func decide(_ evidence: FailureEvidence, needing flakeConfidence: Double) -> Decided {
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

    private static func decide(by person: FailureEvidence.Reputation) -> Decided {
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
