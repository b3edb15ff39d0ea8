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

/// What a delivery becomes before it is stored.
struct JudgedDelivery: Sendable {
    let failures: [FiledFailure]
    /// By which rules, one a failure.
    let editions: [Rulebook.Edition]
    /// Places of the failures that no rule knows.
    let undecided: [Int]
    let overruns: [ID<ProjectRule>: Int64]

    /// Judges and signs away from the thread of the connection that the failures came by: patterns of users may take seconds, and a trace has to be read.
    static func of(_ results: [FailedResult], by book: Rulebook) async -> JudgedDelivery {
        await Task.detached {
            var judge = DeliveryJudge(book)
            let judged = results.map { judge.judge($0.symptoms) }
            return JudgedDelivery(
                failures: FiledFailure.sign(results, judged.map(\.0)), editions: judged.map(\.1),
                undecided: judged.indices.filter { book.isUndecided(judged[$0].0) }, overruns: judge.overruns)
        }.value
    }

    /// What people filed says of the failures that no rule knows.
    /// - Parameter load: called only when there are any; `nil` when nothing has been learnt.
    func asking(_ load: () async throws -> LearnedStep?) async throws -> JudgedDelivery {
        guard !undecided.isEmpty, let step = try await load() else { return self }
        return await Task.detached {
            var (failures, editions) = (failures, editions)
            for place in undecided {
                let (failure, edition) = (failures[place], editions[place])
                editions[place] = edition.comparing(step)
                guard let judgement = step.judge(failure.signature, of: failure.result.result) else { continue }
                failures[place] = FiledFailure(result: failure.result, judgement: judgement, signature: failure.signature)
            }
            return JudgedDelivery(failures: failures, editions: editions, undecided: undecided, overruns: overruns)
        }.value
    }
}

extension Rulebook.Edition {
    /// Of a failure that no rule knew.
    func comparing(_ step: LearnedStep) -> Self {
        Self(builtIn: builtIn, project: project, lessons: step.lessons.edition, learned: LearnedStep.edition)
    }
}
