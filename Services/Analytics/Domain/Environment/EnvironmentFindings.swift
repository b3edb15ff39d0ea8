import Foundation
import Primitives

/// What a look at the last days of a project comes to: incidents, and the failures that are put down to them or given back to their tests. The same runs,
/// failures and incidents always give the same.
struct EnvironmentFindings: Sendable {
    /// How far back runs are looked at: far enough for most commits to be run again, or for tests to pass on others.
    static let window: TimeInterval = 3 * 86_400
    /// A failure that is older keeps the place that it was put down to: runs that it was compared with may have left the window. Of tests that were not
    /// looked at so far back it is as much less (`EnvironmentReach`).
    static let settled: TimeInterval = 86_400

    /// Those that are new or have changed.
    private(set) var incidents: [EnvironmentIncident] = []
    /// Failures whose incident changes, with the new one; `nil` gives the failure back.
    private(set) var moves: [(failure: PlacedFailure, incident: ID<EnvironmentIncident>?)] = []

    /// - Parameters:
    ///   - runs: of the window, in any order.
    ///   - failures: of these runs.
    ///   - executions: of the tests that failed, in these runs.
    ///   - known: incidents that failures are put down to already, and such that were dismissed.
    init(
        project: ID<Project>, runs: [PlacedRun], failures: [PlacedFailure], executions: [PlacedExecution], known: [EnvironmentIncident],
        now: Date
    ) {
        // What a person has given back explains nothing any more.
        let input = EnvironmentInput(
            runs: runs, failures: failures, executions: executions, without: Set(known.filter { $0.state == .dismissed }.map(\.id)))
        var claimed: [ID<Result>: ID<EnvironmentIncident>] = [:]
        var standing: [ID<EnvironmentIncident>: EnvironmentIncident] = [:]
        for cause in EnvironmentSearch.causes(in: input.window) {
            guard let (kind, place) = input.name(of: cause) else { continue }
            let explained = cause.failures.map { input.failures[$0] }
            // What comes to an incident that a person upheld nobody has spoken of: it is an incident of its own, which can be withdrawn.
            let before = known.filter { $0.state != .dismissed && !$0.isUpheld && $0.kind == kind && $0.place == place }.max { $0.to < $1.to }
            let id = before?.id ?? Self.id(project, kind, place, explained, beside: known)
            let evidence = EnvironmentIncident.Evidence(cause, inputHash: input.hash, lookedAt: now)
            var incident =
                before
                ?? EnvironmentIncident(
                    id: id, project: project, kind: kind, place: place, state: .standing, evidence: evidence, failures: 0, from: .distantFuture,
                    to: .distantPast)
            incident.state = .standing
            incident.evidence = before.map { $0.evidence.renewed(by: evidence) } ?? evidence
            standing[id] = incident
            for failure in explained { claimed[failure.result] = id }
        }
        let reach = EnvironmentReach(input.failures, runs: runs, failures: failures, executions: executions, now: now)
        count(failures, claimed, standing, known, reach)
    }

    private mutating func count(
        _ failures: [PlacedFailure], _ claimed: [ID<Result>: ID<EnvironmentIncident>], _ found: [ID<EnvironmentIncident>: EnvironmentIncident],
        _ known: [EnvironmentIncident], _ reach: EnvironmentReach
    ) {
        var incidents = Dictionary(uniqueKeysWithValues: known.map { ($0.id, $0) })
        for (id, incident) in found { incidents[id] = incident }
        for failure in failures {
            let before = failure.incident
            // What people have said of its failures stays.
            if let before, let incident = incidents[before], incident.state == .dismissed || incident.isUpheld { continue }
            var after = claimed[failure.result]
            if after == nil, let before, !(incidents[before].map { reach.isJudged(failure, of: $0) } ?? false) { after = before }
            guard after != before else { continue }
            moves.append((failure, after))
            if let before { incidents[before]?.failures -= 1 }
            if let after {
                incidents[after]?.failures += 1
                if let from = incidents[after]?.from { incidents[after]?.from = min(from, failure.startedAt) }
                if let to = incidents[after]?.to { incidents[after]?.to = max(to, failure.startedAt) }
            }
        }
        for (id, incident) in incidents where incident.failures <= 0 && incident.state == .standing { incidents[id]?.state = .withdrawn }
        let before = Dictionary(uniqueKeysWithValues: known.map { ($0.id, $0) })
        let changed = incidents.values.filter { incident in
            // A place that is found again without a failure of its own was never an incident.
            before[incident.id].map { $0 != incident } ?? (incident.state == .standing)
        }
        self.incidents = changed.sorted { $0.id < $1.id }
        moves.sort { $0.failure.result < $1.failure.result }
    }

    /// Computed, so that every replica names the same incident alike. One that began with the same failure may have lost it to another by a person's
    /// word; it keeps its name.
    private static func id(
        _ project: ID<Project>, _ kind: EnvironmentIncident.Kind, _ place: String, _ failures: [PlacedFailure], beside known: [EnvironmentIncident]
    ) -> ID<EnvironmentIncident> {
        let first = failures.map { "\($0.result)" }.min() ?? ""
        let taken = Set(known.map(\.id))
        var name = "\(project)/\(kind.rawValue)/\(place)/\(first)"
        while true {
            let digest = [StableHash.of(name), StableHash.of(name + "/")].flatMap { hash in
                stride(from: UInt64(0), to: 64, by: 8).map { UInt8(truncatingIfNeeded: hash >> $0) }
            }
            let id = ID<EnvironmentIncident>(uuid: .version8(digest: digest))
            guard taken.contains(id) else { return id }
            name += "/again"
        }
    }
}

extension EnvironmentIncident.Evidence {
    /// The same found in the same is no news, and keeps its moment.
    fileprivate func renewed(by evidence: Self) -> Self {
        var same = evidence
        same.lookedAt = lookedAt
        return same == self ? self : evidence
    }
}

extension Date {
    /// Since the epoch, as `TestObservation` counts.
    var milliseconds: Int64 { Int64((timeIntervalSince1970 * 1000).rounded()) }
}
