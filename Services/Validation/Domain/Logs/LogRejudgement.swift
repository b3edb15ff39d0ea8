import Foundation
import Primitives

/// What came of judging some of a project's log lines again.
struct LogRejudgement: Sendable {
    /// A signature as the machine judged it before.
    struct Before: Sendable {
        let signature: SignatureID
        /// Its pattern is called by it, and is of its category.
        let isPattern: Bool
        let level: LogLevel
        let sample: String
        let category: Category?
        /// `nil` for what was judged before receipts were kept.
        let receipt: LogReceipt?

        func says(_ judged: LogJudgement) -> Bool {
            receipt.map { $0.judged.judgement == judged.judgement } ?? (category == judged.category)
        }
    }

    struct Change: Sendable {
        /// What the line was judged as before.
        let before: Before
        let judged: LogJudgement
        /// The machine says something else of a pattern now.
        let isOfPattern: Bool
    }

    /// Of the rules that judged them. Those whose time is up do not make it an older one.
    let edition: Rulebook.Edition
    /// Only these are written: the receipt of a line that comes out the same is as good as a new one.
    private(set) var changes: [Change] = []
    private(set) var overruns: [ID<ProjectRule>: Int64] = [:]

    init(_ lines: [Before], by book: Rulebook) {
        edition = book.edition
        var rules = LogRules(book)
        for line in lines {
            let judged = rules.judge(line.sample, line.level)
            let isSame = line.says(judged)
            guard !isSame || line.receipt?.judged.hash != judged.hash else { continue }
            changes.append(Change(before: line, judged: judged, isOfPattern: line.isPattern && !isSame))
        }
        overruns = rules.overruns
    }

    /// - Parameter written: the signatures that were not judged by somebody else meanwhile.
    /// - Returns: how many patterns the machine says something else of.
    func patterns(among written: Set<SignatureID>) -> Int64 {
        Int64(changes.count(where: { $0.isOfPattern && written.contains($0.before.signature) }))
    }
}
