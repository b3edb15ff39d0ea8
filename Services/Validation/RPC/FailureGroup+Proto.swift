import CommonAPI
import Foundation
import Primitives
import ServiceKit
import SwiftProtobuf
import ValidationAPI

extension GroupSort {
    /// - Throws: `request.invalid` at `sort`.
    init(_ message: PBFailureGroupSort.Value) throws(Fault) {
        switch message {
        case .failureGroupSortUnspecified, .lastSeen: self = .lastSeen
        case .failures: self = .failures
        case .id: self = .id
        case .UNRECOGNIZED: throw .invalidField("sort", "invalid", "Groups are not sorted so.")
        }
    }
}

extension GroupFilter {
    init(_ request: PBListFailureGroupsRequest) throws(Fault) {
        var states: [GroupState] = []
        for state in request.state { states.append(try GroupState(state, field: "state")) }
        var categories: [Category] = []
        for category in request.category { categories.append(try Category(category)) }
        self.init(
            states: states, categories: categories, branch: try request.branch.bounded(FailureGroup.maxBranch, at: "branch"),
            owner: try request.owner.bounded(FailureGroup.maxOwner, at: "owner"), text: try request.q.bounded(FailureGroup.maxSearch, at: "q"))
    }

    init(_ message: PBFailureGroupFilter) throws(Fault) {
        var states: [GroupState] = []
        for state in message.state { states.append(try GroupState(state, field: "/filter/state")) }
        var categories: [Category] = []
        for category in message.category { categories.append(try Category(category)) }
        self.init(
            states: states, categories: categories, branch: try message.branch.bounded(FailureGroup.maxBranch, at: "/filter/branch"),
            owner: try message.owner.bounded(FailureGroup.maxOwner, at: "/filter/owner"),
            text: try message.q.bounded(FailureGroup.maxSearch, at: "/filter/q"))
    }
}

extension PBFailureGroup {
    init(_ group: FailureGroup) {
        self.init()
        id = group.id.description
        project = group.project.description
        state = group.state.message
        template = group.template
        errorType = group.errorType
        location = group.location
        category = group.category.message
        severity = group.severity.message
        overruled = group.overruled != nil
        if let machine = group.overruled {
            judgedCategory = machine.category.message
            judgedSeverity = machine.severity.message
        }
        verdictResult = group.verdictResult?.description ?? ""
        failures = group.failures
        tests = group.tests
        signatures = group.signatures
        firstSeen = PBSighting(group.firstSeen)
        lastSeen = PBSighting(group.lastSeen)
        sampleMessage = group.sample
        owner = group.owner
        if group.owner.isEmpty { proposedOwners = group.proposedOwners }
        if let resolution = group.resolution { self.resolution = PBResolution(resolution) }
        if let regression = group.regression { self.regression = PBSighting(regression) }
        if let since = group.regressionSince { regressionCommitSince = .init(milliseconds: since) }
        if let standing = group.standing, let basis = group.basis {
            stateReason = standing.reason.message
            stateEdition = basis.edition
            stateEvidence = PBGroupStateEvidence(basis.evidence)
        }
    }
}

extension PBFiledFailures {
    init(_ filed: TriageStore.Filed) {
        self.init()
        failures = filed.failures
        hasMore_p = filed.hasMore
        lastResult = filed.last?.description ?? ""
    }
}

extension PBSighting {
    init(_ sighting: Sighting) {
        self.init()
        at = .init(milliseconds: sighting.at)
        run = sighting.run.description
        result = sighting.result.description
        branch = sighting.branch
        commitSha = sighting.commit
        environment = sighting.environment
    }
}

extension PBResolution {
    init(_ resolution: Resolution) {
        self.init()
        at = .init(milliseconds: resolution.at)
        by = resolution.by
        commitSha = resolution.commit
        branch = resolution.branch
        absent = resolution.isAbsence
        guard let proof = resolution.absence else { return }
        absence = .with {
            $0.runs = proof.runs
            $0.days = proof.days
            $0.neededRuns = proof.neededRuns
            $0.neededDays = proof.neededDays
            $0.otherBranches = proof.isElsewhere
        }
    }
}

extension PBFailureSignature {
    init(_ signature: SignatureSummary) {
        self.init()
        id = signature.id.description
        text = signature.text
        failures = signature.failures
        firstSeenAt = .init(milliseconds: signature.firstSeenAt)
        lastSeenAt = .init(milliseconds: signature.lastSeenAt)
        sampleMessage = signature.sample
    }
}

extension PBFailureGroupTest {
    /// - Parameter owner: `nil` where no failure says whose it is.
    init(_ test: GroupTest, of owner: TestOwners?) {
        self.init()
        self.test = test.test.description
        className = test.className
        testName = test.testName
        failures = test.failures
        firstSeenAt = .init(milliseconds: test.firstSeenAt)
        lastSeenAt = .init(milliseconds: test.lastSeenAt)
        guard let owner else { return }
        owners = owner.names
        ownersAt = .init(milliseconds: owner.since)
    }
}

extension PBFailureGroupMerge {
    init(_ merge: ExplainedMerge) {
        self.init()
        kept = PBFailureSignature(merge.kept)
        joined = PBFailureSignature(merge.joined)
        detail = merge.explanation
        switch merge.reason {
        case .sameSkeleton(let differing):
            reason = .sameSkeleton
            differences = differing.map { difference in
                .with {
                    $0.kept = difference.kept
                    $0.joined = difference.joined
                }
            }
        case .variable(let template, let place, let words, let count, let needed):
            reason = .variable
            self.template = template
            self.place = Int32(place)
            self.words = words
            self.count = Int32(count)
            self.needed = Int32(needed)
        case .person:
            reason = .person
            if let decision = merge.decision { self.decision = PBGroupingDecision(decision) }
        }
    }
}

extension PBFailureGroupReplay {
    init(_ replay: GroupReplay, _ merges: [ExplainedMerge], _ state: StateReplay?) {
        self.init()
        let receipt = replay.receipt
        result = receipt.result.description
        edition = replay.edition
        inputSha256 = receipt.hash?.map { String(UInt16($0) + 256, radix: 16).dropFirst() }.joined() ?? ""
        if let signature = receipt.signature { self.signature = ID<Signature>(uuid: signature.uuid).description }
        if let signedAs = receipt.signedAs ?? receipt.signature { self.signedAs = ID<Signature>(uuid: signedAs.uuid).description }
        if let group = receipt.place?.group { self.group = group.description }
        signedAgain = ID<Signature>(uuid: replay.signed.id.uuid).description
        text = replay.signed.text
        if let group = replay.group { groupAgain = group.description }
        self.merges = merges.map(PBFailureGroupMerge.init)
        cuts = replay.cuts.map { PBGroupingDecision($0) }
        agrees = replay.difference == nil
        detail = replay.difference?.explanation ?? ""
        if let state { self.state = PBGroupStateReplay(state) }
    }
}

extension PBGroupingDecision {
    init(_ listed: ListedDecision) {
        self.init(listed.decision)
        groups = listed.groups.map { share in
            .with {
                $0.group = share.group.description
                $0.signatures = share.signatures
                if listed.decision.kind != .merge { $0.takenOut = share.isTakenOut }
            }
        }
        if let progress = listed.cut { cut = PBGroupingCut(progress) }
    }

    init(_ cut: Cut) {
        self.init(cut.decision)
        self.cut = .with {
            $0.text = cut.text
            $0.signature = ID<Signature>(uuid: cut.signature.id.uuid).description
            $0.takenOut = ID<Signature>(uuid: cut.target.id.uuid).description
        }
    }

    init(_ decision: GroupingDecision) {
        self.init()
        id = decision.id.description
        kind =
            switch decision.kind {
            case .merge: .merge
            case .split: .split
            case .cut: .cut
            }
        decidedBy = decision.decidedBy
        decidedAt = .init(milliseconds: decision.decidedAt)
        note = decision.note
        signatures = decision.signatures
    }
}

extension PBGroupingCut {
    init(_ progress: CutProgress) {
        self.init()
        text = progress.text
        signature = progress.signature.description
        takenOut = progress.target.description
        state =
            switch progress.state {
            case .waiting: .waiting
            case .running: .running
            case .done: .done
            }
        failures = progress.total
        done = progress.done
        moved = progress.moved
        withoutTexts = progress.withoutTexts
        if let finished = progress.finishedAt { finishedAt = .init(milliseconds: finished) }
    }
}

extension PBGroupOccurrences {
    init(_ occurrences: Occurrences) {
        self.init()
        data = occurrences.points.map { point in
            .with {
                $0.at = .init(milliseconds: point.at)
                $0.failures = point.failures
                if let tests = point.tests { $0.tests = tests }
            }
        }
    }
}
