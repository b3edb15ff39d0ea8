import Primitives

/// Asks a project's rules about lines of logs, as they are asked about failures: each signature once, with one line of it.
struct LogRules {
    private let edition: Rulebook.Edition
    private var delivery: DeliveryJudge

    init(_ book: Rulebook) {
        edition = book.edition
        delivery = DeliveryJudge(book)
    }

    /// How often which of the project's rules ran out of its budget.
    var overruns: [ID<ProjectRule>: Int64] { delivery.overruns }

    /// None is asked about a line that says that all is well.
    mutating func judge(_ sample: String, _ level: LogLevel) -> LogJudgement {
        let seen = Self.symptoms(sample)
        guard level.mayBeTrouble else { return LogJudgement(judgement: nil, edition: edition, hash: seen.hash) }
        let (judgement, asked) = delivery.judge(seen)
        return LogJudgement(judgement: judgement, edition: asked, hash: seen.hash)
    }

    /// What they see of a line. Not as what failed: that alone would make an assertion of it.
    static func symptoms(_ sample: String) -> Symptoms { Symptoms(message: sample, outcome: .errored) }
}
