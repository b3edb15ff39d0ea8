import Primitives

/// A change that is kept, looked for once more in the days that are kept with it, by the edition that it was found by.
struct LevelReplay: Sendable {
    let receipt: LevelChange
    /// `nil` when no such change is found.
    let again: TrendChange?
    /// Of the kept days.
    let inputHash: UInt64

    /// - Parameter input: `TrendSeries.text`
    /// - Throws: `level_change.not_replayable`.
    init(_ change: LevelChange, input: String, among editions: [ChangeEdition] = ChangeEdition.released) throws(Fault) {
        guard let edition = ChangeEdition.numbered(change.receipt.edition, among: editions) else {
            throw .levelNotReplayable("This release does not have edition \(change.receipt.edition) of the method.")
        }
        guard let series = TrendSeries(text: input) else { throw .levelNotReplayable("The days that it was found in cannot be read.") }
        receipt = change
        inputHash = series.inputHash
        let alike = series.changes(by: edition).compactMap { found in change.distance(to: found).map { (distance: $0, change: found) } }
        again = alike.filter { $0.distance <= edition.shortestLevel }.min { $0.distance < $1.distance }?.change
    }

    var agrees: Bool {
        guard let again else { return false }
        return inputHash == receipt.receipt.inputHash && again.day == receipt.day && again.before == receipt.before && again.after == receipt.after
    }
}
