import Foundation
import Primitives

/// What is kept of an incident, judged once more: from its numbers as long as it lives, and from the runs and failures that were looked at as long as these
/// are there as they were.
struct EnvironmentReplay: Sendable {
    let receipt: EnvironmentIncident.Evidence
    /// Of the kept numbers.
    let chance: Double
    let numbersHash: UInt64
    let isMoreThanChance: Bool
    /// What is found in what was looked at; `nil` when some of it has gone, or something was added.
    let again: EnvironmentIncident.Evidence?

    /// - Parameters:
    ///   - runs: up to the moment at which the incident's were looked at, and from as long before it as any search looks back.
    ///   - failures: of these.
    ///   - executions: of the tests that failed, as far as they were looked at.
    ///   - known: the project's incidents of that time.
    /// - Throws: `environment_incident.not_replayable`.
    init(
        _ incident: EnvironmentIncident, runs: [PlacedRun], failures: [PlacedFailure], executions: [PlacedExecution] = [],
        known: [EnvironmentIncident]
    ) throws(Fault) {
        receipt = incident.evidence
        guard let method = EnvironmentMethod.of(edition: receipt.edition), let numbers = receipt.numbers else {
            throw .incidentNotReplayable("This release no longer has edition \(receipt.edition) of the method, or its numbers were not kept yet.")
        }
        chance = numbers.chance
        numbersHash = receipt.workedOutHash
        isMoreThanChance = numbers.isMoreThanChance(by: method)
        // Its own failures were looked at whatever a person said of them since.
        let dismissed = Set(known.filter { $0.state == .dismissed && $0.id != incident.id }.map(\.id))
        let input = EnvironmentInput(runs: runs, failures: failures, executions: executions, without: dismissed, for: method)
        guard input.hash == receipt.inputHash else {
            again = nil
            return
        }
        let cause = EnvironmentSearch.causes(in: input.window, by: method).first { cause in
            input.name(of: cause).map { $0 == (incident.kind, incident.place) } ?? false
        }
        again =
            if let cause {
                EnvironmentIncident.Evidence(cause, by: method, inputHash: input.hash, lookedAt: receipt.lookedAt)
            } else {
                .nothing(by: method, inputHash: input.hash)
            }
    }

    /// The chance is a Double that another machine may work out differently in its last digits.
    var agrees: Bool {
        let isSameChance = abs(chance - receipt.chance) <= 1e-9 * max(chance, receipt.chance)
        return isSameChance && isMoreThanChance && numbersHash == receipt.numbersHash && (again.map { $0.numbersHash == receipt.numbersHash } ?? true)
    }
}
