import Primitives

/// Which of the changes that were found in a part of a project, or of a test, are kept already: each is at most one of the kept ones, of its figure and
/// direction, some days or executions away at most, the nearest first. The same changes always give the same.
struct LevelMatching: Sendable {
    /// Of each that was found, in its place, the kept one that it is; `nil` of a new one.
    let kept: [LevelChange?]
    /// Kept ones that none of the found is.
    let missing: [LevelChange]

    /// - Parameters:
    ///   - known: of the same part.
    ///   - days: by which a change may move and stay the same one; less than that apart there are no two.
    init(found: [TrendChange], known: [LevelChange], within days: Int = ChangeEdition.current.shortestLevel) {
        self.init(found.count, known: known, within: days) { $1.distance(to: found[$0]) }
    }

    /// - Parameters:
    ///   - count: of those that were found.
    ///   - most: by how much a change may move and stay the same one.
    ///   - distance: of the one in that place from a kept one; `nil` for one of another kind.
    init(_ count: Int, known: [LevelChange], within most: Int, distance: (_ place: Int, _ kept: LevelChange) -> Int?) {
        let pairs = (0..<count).flatMap { place in
            known.compactMap { change -> (distance: Int, isGone: Int, place: Int, change: LevelChange)? in
                guard let distance = distance(place, change), distance <= most else { return nil }
                return (distance, change.goneAt == nil ? 0 : 1, place, change)
            }
        }
        var kept = [LevelChange?](repeating: nil, count: count)
        var taken = Set<ID<LevelChange>>()
        for pair in pairs.sorted(by: { ($0.distance, $0.isGone, $0.place, $0.change.id) < ($1.distance, $1.isGone, $1.place, $1.change.id) })
        where kept[pair.place] == nil && !taken.contains(pair.change.id) {
            kept[pair.place] = pair.change
            taken.insert(pair.change.id)
        }
        self.kept = kept
        missing = known.filter { !taken.contains($0.id) }
    }
}
