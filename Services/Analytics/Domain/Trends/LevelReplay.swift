import Primitives

/// A change that is kept, looked for once more in the days, or the executions of a test, that are kept with it, by the edition that it was found by.
struct LevelReplay: Sendable {
    /// A change as it is found again.
    struct Again: Sendable, Equatable {
        /// Of a test only where it begins with the execution of the receipt: of others nothing but the duration is kept.
        let day: String?
        /// Of a test: the first execution of the new level.
        let result: ID<Result>?
        let before: Double
        let after: Double
    }

    let receipt: LevelChange
    /// `nil` when no such change is found.
    let again: Again?
    /// Of what is kept with it.
    let inputHash: UInt64

    /// - Parameter input: `TrendSeries.text`, of a test `DurationSeries.text`.
    /// - Throws: `level_change.not_replayable`.
    init(_ change: LevelChange, input: String, among editions: [ChangeEdition] = ChangeEdition.released) throws(Fault) {
        guard let edition = ChangeEdition.numbered(change.receipt.edition, among: editions) else {
            throw .levelNotReplayable("This release does not have edition \(change.receipt.edition) of the method.")
        }
        receipt = change
        if change.part.dimension == .test {
            guard let series = DurationSeries(text: input) else { throw .levelNotReplayable("The executions that it was found in cannot be read.") }
            inputHash = series.inputHash
            again = Self.again(change, in: series, by: edition)
        } else {
            guard let series = TrendSeries(text: input) else { throw .levelNotReplayable("The days that it was found in cannot be read.") }
            inputHash = series.inputHash
            again = Self.again(change, in: series, by: edition)
        }
    }

    private static func again(_ change: LevelChange, in series: TrendSeries, by edition: ChangeEdition) -> Again? {
        let alike = series.changes(by: edition).compactMap { found in change.distance(to: found).map { (distance: $0, change: found) } }
        let nearest = alike.filter { $0.distance <= edition.shortestLevel }.min { $0.distance < $1.distance }?.change
        return nearest.map { Again(day: $0.day, result: nil, before: $0.before, after: $0.after) }
    }

    private static func again(_ change: LevelChange, in series: DurationSeries, by edition: ChangeEdition) -> Again? {
        guard let start = change.start, let place = series.points.firstIndex(where: { $0.result == start.result }) else { return nil }
        let alike = series.changes(by: edition).filter { ($0.after > $0.before) == change.rises && abs($0.index - place) <= edition.shortestLevel }
        guard let nearest = alike.min(by: { abs($0.index - place) < abs($1.index - place) }) else { return nil }
        return Again(
            day: nearest.index == place ? change.day : nil, result: series.points[nearest.index].result, before: nearest.before, after: nearest.after)
    }

    var agrees: Bool {
        guard let again else { return false }
        return inputHash == receipt.receipt.inputHash && again.day == receipt.day && again.result == receipt.start?.result
            && again.before == receipt.before && again.after == receipt.after
    }
}
