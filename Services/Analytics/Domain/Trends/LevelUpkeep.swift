import Primitives

/// What a look changes in what is kept of its part. The same look twice changes nothing.
struct LevelUpkeep: Sendable {
    let added: [LevelChange]
    /// As they are from now on.
    let renewed: [LevelChange]
    /// Those that are not found any more from now on.
    let gone: [LevelChange]
    /// Of each that was found, in its place, the kept one that it is from now on; `nil` of one that is not kept.
    let kept: [LevelChange?]

    var isEmpty: Bool { added.isEmpty && renewed.isEmpty && gone.isEmpty }

    /// - Parameter known: of the part, from `LevelLook.firstDay` on.
    init(_ look: LevelLook, known: [LevelChange], of project: ID<Project>) {
        self.init(
            look.found.map { LevelFinding($0) }, LevelMatching(found: look.found, known: known, within: look.edition.shortestLevel), of: look.part,
            in: project, receipt: LevelReceipt(edition: look.edition.number, inputHash: look.series.inputHash, lookedAt: look.at),
            from: look.firstDay
        ) { $0.day < look.firstUnsettledDay }
    }

    /// - Parameter known: of the test and the branch, from the first execution that is looked at on.
    init(_ look: TestLook, known: [LevelChange], of project: ID<Project>) {
        self.init(
            look.findings, look.matching(known), of: look.part, in: project,
            receipt: LevelReceipt(edition: look.edition.number, inputHash: look.inputHash, lookedAt: look.at), from: look.firstDay
        ) { look.hasSettled($0) }
    }

    /// - Parameters:
    ///   - first: the day from which on a new one is kept.
    ///   - hasSettled: whether a kept one stays as it is though it is not found.
    private init(
        _ found: [LevelFinding], _ matching: LevelMatching, of part: TrendPart, in project: ID<Project>, receipt: LevelReceipt, from first: String,
        hasSettled: (LevelChange) -> Bool
    ) {
        var (added, renewed): ([LevelChange], [LevelChange]) = ([], [])
        var standing: [LevelChange?] = []
        for (change, kept) in zip(found, matching.kept) {
            guard let kept else {
                let new = change.day < first ? nil : LevelChange(change, of: part, in: project, receipt: receipt)
                if let new { added.append(new) }
                standing.append(new)
                continue
            }
            var next = kept
            (next.day, next.before, next.after, next.start, next.goneAt) = (change.day, change.before, change.after, change.start, nil)
            let isSameInput = kept.receipt.edition == receipt.edition && kept.receipt.inputHash == receipt.inputHash
            if !isSameInput { next.receipt = receipt }
            if next != kept { renewed.append(next) }
            standing.append(next)
        }
        self.added = added
        self.renewed = renewed
        self.kept = standing
        gone = matching.missing.filter { $0.goneAt == nil && !hasSettled($0) }
    }
}
