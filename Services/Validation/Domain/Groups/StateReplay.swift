/// What the state of a group was reached from, as it is kept with it.
struct StateBasis: Sendable, Equatable {
    /// Of the rules (`LifeCycle`).
    let edition: Int32
    let evidence: GroupEvidence
}

/// The state of a group found once more: by the edition that made it, from what its signatures come to now.
struct StateReplay: Sendable {
    /// What differs from what is stored.
    enum Difference: Sendable, Equatable {
        case unknownEdition(Int32)
        case evidence, state, regression, absence

        var explanation: String {
            switch self {
            case .unknownEdition(let edition): "This release no longer has edition \(edition) of the rules by which groups live."
            case .evidence: "Its signatures come to something else than what is kept with the state."
            case .regression:
                "Another failure than the one that is kept is the earliest that contradicts the resolution, or its commit has not run for as long."
            case .state: "What its signatures come to is another state."
            case .absence: "It was absent from fewer runs, or for fewer days, than were needed."
            }
        }
    }

    let group: FailureGroup
    /// What its signatures come to now.
    let evidence: GroupEvidence
    /// What follows from that; `nil` where the edition is not known.
    let again: GroupStanding?
    /// The first that there is.
    let difference: Difference?

    /// - Parameters:
    ///   - evidence: of its signatures now.
    ///   - contradiction: the earliest that there is now, for an edition that asks again.
    ///   - absence: what resolved it, counted once more; `nil` where that is not so, or cannot be done (any more).
    ///   - editions: that there are.
    init(
        _ group: FailureGroup, _ evidence: GroupEvidence, _ contradiction: Contradiction?, _ absence: Absence.Proof?,
        among editions: [LifeCycle] = LifeCycle.released
    ) {
        self.group = group
        self.evidence = evidence
        let rules: LifeCycle?
        if let basis = group.basis { rules = LifeCycle.numbered(basis.edition, among: editions) } else { rules = .current }
        again = rules.map { GroupStanding(evidence, by: $0) }
        difference =
            if rules == nil {
                .unknownEdition(group.basis?.edition ?? 0)
            } else if let rules, let basis = group.basis, basis.evidence.heeded(by: rules) != evidence.heeded(by: rules) {
                .evidence
            } else if again?.state != group.state {
                .state
            } else if rules?.contradictions == .asKnown, group.basis != nil, !Self.agree(group.contradiction, contradiction) {
                .regression
            } else if group.state == .resolved, let kept = group.resolution?.absence, !kept.isEnough || absence?.isEnough == false {
                .absence
            } else {
                nil
            }
    }

    /// That a commit has run for longer may be heard of at any time: what was told then was right. For less long it has never run.
    private static func agree(_ kept: Contradiction?, _ now: Contradiction?) -> Bool {
        guard let kept, let now else { return kept == nil && now == nil }
        return kept.sighting.result == now.sighting.result && now.since <= kept.since
    }
}

extension FailureGroup {
    /// What it is told to be contradicted by.
    var contradiction: Contradiction? {
        guard let regression, let regressionSince else { return nil }
        return Contradiction(sighting: regression, since: regressionSince)
    }

    /// Its state and what made it, by what is kept with it; `nil` where that is not kept, or belongs to an earlier state.
    var standing: GroupStanding? {
        guard let basis, let rules = LifeCycle.numbered(basis.edition) else { return nil }
        let standing = GroupStanding(basis.evidence, by: rules)
        return standing.state == state ? standing : nil
    }
}
