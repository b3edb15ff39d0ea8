import ExecutionAPI
import Foundation

/// What builds were told of whether the failures of a run stop them, the newest first.
struct KeptExcuses: Sendable {
    /// Answers that are shown.
    static let limit: Int32 = 10

    /// What one build was told, or several that were told the same.
    struct Answer: Sendable {
        let receiptPath: String
        let decided: Moment
        /// `2 of 3 failing tests in quarantine`
        let held: String
        let isExcused: Bool
        let edition: String
        let hash: String

        init(_ excuse: PBExcuse, now: Date) {
            receiptPath = ReceiptPage.path(excuse: excuse.id, of: excuse.run)
            decided = Moment(excuse.decidedAt, now: now)
            let quarantined = NumberText.grouped(excuse.quarantinedTests)
            held = "\(quarantined) of \(NumberText.counted(excuse.failingTests, "failing test")) in quarantine"
            isExcused = excuse.excused
            edition = "\(excuse.edition)"
            hash = String(excuse.inputHash.prefix(16))
        }
    }

    let answers: [Answer]
    let hasAnswers: Bool
    /// Why there are none where they could not be had.
    let excusesLack: String?
    let excusesExports: ExportLinks

    /// `nil` where there are none.
    init?(_ told: Panel<PBListExcusesResponse>, of run: String, now: Date) {
        answers = told.content?.data.map { Answer($0, now: now) } ?? []
        hasAnswers = !answers.isEmpty
        excusesLack = told.note
        excusesExports = ExportLinks(PageAddress.path("runs", run, "excuses"))
        guard hasAnswers || excusesLack != nil else { return nil }
    }
}
