import Foundation
import Primitives

/// Failures of a signature that people have cut, a page of those that were there before: which of them count for something else now.
struct CutPage: Sendable {
    struct Candidate: Sendable {
        /// The run, with this failure alone. Its texts are the message alone where `hasTexts` is false.
        let batch: FailureBatch
        let hasTexts: Bool
        /// A person has filed it.
        let hasWord: Bool
        /// It has not been forgotten with what the signature was before.
        let isCounted: Bool

        var result: ID<Result> { batch.failures[0].result.result }
    }

    /// By runs, those that count: they have been taken out, or stay.
    private(set) var moved: [FailureBatch] = []
    private(set) var staying: [FailureBatch] = []
    /// What does not count and is taken out all the same, so that it stands with what looks like it.
    private(set) var uncounted: [(result: ID<Result>, target: SignatureID)] = []
    private(set) var withoutTexts = 0
    /// People have filed some of what has been taken out.
    private(set) var movesWords = false
    let count: Int
    let last: ID<Result>?

    init(_ rows: [Candidate], by cuts: Cuts) {
        (count, last) = (rows.count, rows.last?.result)
        var (moved, staying): ([Candidate], [Candidate]) = ([], [])
        for row in rows {
            let failure = row.batch.failures[0]
            if !row.hasTexts { withoutTexts += 1 }
            if row.hasTexts, let cut = cuts.path(from: failure.signature.id, for: failure.result.symptoms).last {
                if row.hasWord { movesWords = true }
                if row.isCounted { moved.append(row) } else { uncounted.append((row.result, cut.target.id)) }
            } else if row.isCounted {
                staying.append(row)
            }
        }
        (self.moved, self.staying) = (Self.byRun(moved), Self.byRun(staying))
    }

    var movedCount: Int { uncounted.count + moved.reduce(0) { $0 + $1.failures.count } }

    private static func byRun(_ rows: [Candidate]) -> [FailureBatch] {
        Dictionary(grouping: rows.map(\.batch), by: \.run).values
            .map { batches in batches[0].with(batches.flatMap(\.failures)) }
            .sorted { ($0.startedAt, $0.run.description) < ($1.startedAt, $1.run.description) }
    }
}
