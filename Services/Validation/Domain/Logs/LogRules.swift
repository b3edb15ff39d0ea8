/// Asks a project's rules about lines of logs, as they are asked about failures: each signature once, with one line of it.
struct LogRules {
    private var judge: DeliveryJudge

    init(_ book: Rulebook) { judge = DeliveryJudge(book) }

    /// - Returns: `nil` for lines that say that all is well, and for those that no rule knows.
    mutating func category(of sample: String, _ level: LogLevel) -> Category? {
        guard level.mayBeTrouble else { return nil }
        // Not as what failed: that alone would make an assertion of it.
        let (judgement, _) = judge.judge(Symptoms(message: sample, outcome: .errored))
        return judgement.category == .unknown ? nil : judgement.category
    }
}
