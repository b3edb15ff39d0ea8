import Primitives

/// What came of judging a page of failures again.
struct Rejudgement: Sendable {
    /// A failure as the machine judged it before.
    struct Before: Sendable {
        let result: ID<Result>
        let judgement: Judgement
        let symptoms: Symptoms?
    }

    struct Change: Sendable {
        let result: ID<Result>
        let judgement: Judgement
        let edition: Rulebook.Edition
    }

    private(set) var count = 0
    private(set) var withoutTexts = 0
    /// Only these are written: the receipt of a failure that comes out the same is as good as a new one.
    private(set) var changes: [Change] = []
    private(set) var overruns: [ID<ProjectRule>: Int64] = [:]

    init(_ failures: [Before], by book: Rulebook) {
        var judge = DeliveryJudge(book)
        for failure in failures {
            count += 1
            guard let symptoms = failure.symptoms else {
                withoutTexts += 1
                continue
            }
            let (judgement, edition) = judge.judge(symptoms)
            if judgement != failure.judgement { changes.append(Change(result: failure.result, judgement: judgement, edition: edition)) }
        }
        overruns = judge.overruns
    }
}
