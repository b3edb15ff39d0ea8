import Primitives

/// Judges the failures of one delivery one after the other, and stops a project's rules from taking more time together than a delivery has.
struct DeliveryJudge {
    /// Processor time that all rules of a project may take for one delivery. What comes after is judged by the rules that everybody has.
    static let time = Duration.seconds(2)

    private let book: Rulebook
    private let rest: Rulebook
    private var spent = Duration.zero
    private var perRule: [ID<ProjectRule>: Duration] = [:]
    /// How often which rule ran out of its budget.
    private(set) var overruns: [ID<ProjectRule>: Int64] = [:]

    init(_ book: Rulebook) {
        self.book = book
        rest = book.withoutOwn
    }

    /// - Returns: the judgement, and by which rules.
    mutating func judge(_ symptoms: Symptoms) -> (Judgement, Rulebook.Edition) {
        guard spent < Self.time else { return (rest.judge(symptoms).judgement, rest.edition) }
        let (judgement, costs) = book.judge(symptoms)
        for cost in costs {
            spent += cost.elapsed
            perRule[cost.rule, default: .zero] += cost.elapsed
            if cost.isOverBudget { overruns[cost.rule, default: 0] += 1 }
        }
        // Whoever used up the time of all has run out of its own as well.
        if spent >= Self.time, let costliest = perRule.max(by: { $0.value < $1.value })?.key { overruns[costliest, default: 0] += 1 }
        return (judgement, book.edition)
    }
}

extension DeliveryJudge {
    /// Away from the thread of the connection that they came by: patterns of users may take seconds.
    static func judge(
        _ results: [FailedResult], by book: Rulebook
    ) async -> (judgements: [Judgement], editions: [Rulebook.Edition], overruns: [ID<ProjectRule>: Int64]) {
        guard !book.own.isEmpty else {
            return (results.map { book.judge($0.symptoms).judgement }, results.map { _ in book.edition }, [:])
        }
        return await Task.detached {
            var judge = DeliveryJudge(book)
            let judged = results.map { judge.judge($0.symptoms) }
            return (judged.map(\.0), judged.map(\.1), judge.overruns)
        }.value
    }
}
