import Primitives

/// What came of judging a page of failures again.
struct Rejudgement: Sendable {
    /// A failure as the machine judged it before.
    struct Before: Sendable {
        let result: ID<Result>
        let className: String
        let testName: String
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

    /// - Parameter step: what people had filed when it was asked for; `nil` when nothing had been learnt.
    init(_ failures: [Before], by book: Rulebook, then step: LearnedStep? = nil) {
        var judge = DeliveryJudge(book)
        var signer = FailureSigner()
        for failure in failures {
            count += 1
            guard let symptoms = failure.symptoms else {
                withoutTexts += 1
                continue
            }
            var (judgement, edition) = judge.judge(symptoms)
            if let step, book.isUndecided(judgement) {
                let signature = symptoms.signature(by: &signer, className: failure.className, test: failure.testName)
                edition = edition.comparing(step)
                judgement = step.judge(signature, of: failure.result) ?? judgement
            }
            if judgement != failure.judgement { changes.append(Change(result: failure.result, judgement: judgement, edition: edition)) }
        }
        overruns = judge.overruns
    }
}
