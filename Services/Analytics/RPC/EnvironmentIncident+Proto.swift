import AnalyticsAPI
import Primitives
import ServiceKit
import SwiftProtobuf

extension PBEnvironmentIncident {
    init(_ incident: EnvironmentIncident) {
        self.init()
        id = incident.id.description
        project = incident.project.description
        kind =
            switch incident.kind {
            case .host: .host
            case .zone: .zone
            case .hour: .hour
            case .run: .run
            }
        place = incident.place
        state =
            switch incident.state {
            case .standing: .standing
            case .dismissed: .dismissed
            case .withdrawn: .withdrawn
            }
        if incident.isFound { evidence = PBEnvironmentEvidence(incident.evidence) }
        failures = Int32(clamping: incident.failures)
        from = .init(milliseconds: incident.from)
        to = .init(milliseconds: incident.to)
        dismissedBy = incident.dismissedBy
        dismissalReason = incident.dismissalReason
        if let at = incident.dismissedAt { dismissedAt = .init(milliseconds: at) }
        upheld = incident.isUpheld
        declaredBy = incident.declaredBy
        if let at = incident.declaredAt { declaredAt = .init(milliseconds: at) }
    }
}

extension PBEnvironmentEvidence {
    init(_ evidence: EnvironmentIncident.Evidence) {
        self.init()
        tests = Int32(clamping: evidence.tests)
        groups = Int32(clamping: evidence.groups)
        compared = Int32(clamping: evidence.compared)
        there = Int32(clamping: evidence.there)
        expected = evidence.expected
        chance = evidence.chance
        inputHash = PBStabilityReceipt.text(evidence.inputHash)
        edition = evidence.edition
        tried = Int64(evidence.tried ?? 0)
        if let hash = evidence.numbersHash { numbersHash = PBStabilityReceipt.text(hash) }
        if let at = evidence.lookedAt { lookedAt = .init(milliseconds: at) }
        contrast =
            switch evidence.contrast {
            case .sameCommit: .sameCommit
            case .otherCommits: .otherCommits
            }
    }
}

extension PBEnvironmentReplay {
    init(_ replay: EnvironmentReplay) {
        self.init()
        receipt = PBEnvironmentEvidence(replay.receipt)
        chance = replay.chance
        numbersHash = PBStabilityReceipt.text(replay.numbersHash)
        moreThanChance = replay.isMoreThanChance
        if let again = replay.again { evidence = PBEnvironmentEvidence(again) }
        agrees = replay.agrees
    }
}

extension PBEnvironmentVerdict {
    init(_ verdict: EnvironmentVerdict) {
        self.init()
        incident = verdict.incident.description
        kind =
            switch verdict.kind {
            case .dismissed: .dismissed
            case .reinstated: .reinstated
            case .declared: .declared
            }
        reason = verdict.reason
        decidedBy = verdict.decidedBy
        decidedAt = .init(milliseconds: verdict.decidedAt)
    }
}

extension PBEnvironmentFailure {
    /// Without the test's names.
    init(_ failure: PlacedFailure) {
        self.init()
        result = failure.result.description
        test = failure.test.description
        run = failure.place.run.description
        host = failure.place.host
        zone = failure.place.zone
        branch = failure.branch
        commitSha = failure.commit
        startedAt = .init(milliseconds: failure.startedAt)
        passed = failure.passed
    }
}

extension EnvironmentIncident.State {
    /// - Throws: `request.invalid` at `/state`.
    init(_ message: PBEnvironmentIncident.State) throws(Fault) {
        switch message {
        case .standing: self = .standing
        case .dismissed: self = .dismissed
        case .withdrawn: self = .withdrawn
        case .unspecified, .UNRECOGNIZED: throw .invalidField("/state", "unknown", "There is no such state.")
        }
    }
}

extension EnvironmentIncident.Kind {
    /// - Throws: `request.invalid` at `/kind`.
    init(_ message: PBEnvironmentIncident.Kind) throws(Fault) {
        switch message {
        case .host: self = .host
        case .zone: self = .zone
        case .hour: self = .hour
        case .run: self = .run
        case .unspecified, .UNRECOGNIZED: throw .invalidField("/kind", "unknown", "It is HOST, ZONE, HOUR or RUN.")
        }
    }
}
