import Foundation
import Primitives

/// A place and a time of which a person says that it was the environment: all that failed there and is known by now is put down to it. What is delivered
/// later is not, until somebody says so again.
struct EnvironmentDeclaration: Sendable, Equatable {
    /// That can be taken from their tests within a call, while facts of the project wait.
    static let failureLimit = 20_000
    /// How far back: failures that are put down to nothing are kept that long.
    static let reach: TimeInterval = 7 * 86_400

    let place: EnvironmentPlace
    /// Starts of the first and the last run that may be meant.
    let from: Date
    let to: Date

    /// - Throws: `request.invalid` at `/to`.
    init(_ place: EnvironmentPlace, from: Date?, to: Date?, at now: Date) throws(Fault) {
        if let from, let to, to < from { throw .invalidField("/to", "invalid", "It ends before it begins.") }
        self.place = place
        self.from = max(from ?? .distantPast, now - Self.reach)
        self.to = min(to ?? now, now)
    }

    /// What an incident was about whose failures are not known any more.
    init(again incident: EnvironmentIncident, at now: Date) throws(Fault) {
        try self.init(EnvironmentPlace(incident.kind, incident.place), from: incident.from, to: incident.to, at: now)
    }
}

/// What a person's word takes from tests, and where it is put down. The same failures and incidents always give the same.
struct EnvironmentTaking: Sendable {
    /// That count for their tests so far, dismissed ones included.
    let failures: [PlacedFailure]
    /// That a search put down to the place already, with others that are not meant.
    var found: [PlacedFailure] = []
    /// That has been there before; `nil` for a new one.
    let incident: EnvironmentIncident?

    var isEmpty: Bool { failures.isEmpty && found.isEmpty }

    /// All that comes to the incident.
    var moved: [PlacedFailure] { (failures + found).filter { $0.incident != incident?.id || incident == nil } }

    /// Other incidents that lose failures to it.
    var losing: [ID<EnvironmentIncident>] { Set(moved.compactMap(\.incident)).sorted() }
}

extension EnvironmentTaking {
    /// What stands with an incident stays there, but for what was found in this place and is meant in part: that part nobody is to withdraw any more. The
    /// place's own incident takes the rest: one that stands and is meant whole, or that a person has upheld, or the one that was dismissed if all of its
    /// failures are meant, since the latest person is right.
    /// - Parameters:
    ///   - kept: what failed there then, put down to whatever.
    ///   - known: the incidents of these.
    ///   - again: that is to have them whatever else there is.
    /// - Throws: `environment_incident.too_many_failures`, `environment_incident.nothing_failed`, `environment_incident.accounted_for`.
    init(
        _ place: EnvironmentPlace, kept: [PlacedFailure], known: [EnvironmentIncident], into again: EnvironmentIncident? = nil
    ) throws(Fault) {
        guard kept.count <= EnvironmentDeclaration.failureLimit else { throw .tooManyEnvironmentFailures }
        let standing = Set(known.filter { $0.state == .standing }.map(\.id))
        let failures = kept.filter { failure in failure.incident.map { !standing.contains($0) } ?? true }
        let own = known.filter { $0.kind == place.kind && $0.place == place.name }.sorted { ($1.to, $1.id) < ($0.to, $0.id) }
        var meant: [ID<EnvironmentIncident>: Int] = [:]
        for failure in kept { if let incident = failure.incident { meant[incident, default: 0] += 1 } }
        let loose = own.filter { $0.state == .standing && !$0.isUpheld }
        let whole = loose.first { $0.failures == meant[$0.id] }
        let upheld = own.first { $0.state == .standing && $0.isUpheld }
        let dismissed = own.first { $0.state == .dismissed && $0.failures == meant[$0.id] }
        let incident = again ?? whole ?? upheld ?? dismissed
        let parts = again == nil ? Set(loose.map(\.id)).subtracting([incident?.id].compactMap(\.self)) : []
        let found = kept.filter { failure in failure.incident.map(parts.contains) ?? false }
        if failures.isEmpty, found.isEmpty, again != nil || incident == nil {
            if let standing = kept.first?.incident { throw .accountedFor(standing) }
            throw .nothingFailed
        }
        self.init(failures: failures, found: found, incident: incident)
    }
}
