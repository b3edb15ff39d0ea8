import Primitives

/// What is asked when no rule knows a failure: how people filed those that are most like it. It would rather say nothing than something wrong, and then the rules
/// of last resort stand.
///
/// The nearest neighbours vote (Cover & Hart, *Nearest neighbor pattern classification*, 1967), each with as much weight as it is similar (Dudani, *The
/// distance-weighted k-nearest-neighbor rule*, 1976), and where they do not agree there is no answer (Hellman, *The nearest neighbor classification rule with
/// a reject option*, 1970).
struct LearnedStep: Sendable {
    /// The rule that receipts name.
    static let rule = "learned"
    /// Raised with each change of words, weights or bounds, and with `GroupingEdition.current`, whose signatures are compared: receipts are replayed by the
    /// one that judged.
    static let edition: Int32 = 1

    /// That many are heard: with more, a category that was filed often would outvote the one that fits.
    static let neighbours = 5
    /// Thousandths. Whoever is heard must be at least so similar; somebody who says otherwise is heard from farther away than one can answer from.
    static let heard = 500
    /// Thousandths that the nearest must reach for an answer.
    static let needed = 700
    /// Words of their own that two failures must share: one alone ("sandbox") is no resemblance.
    static let shared = 2
    /// Hundredths of all votes that the answer must have: one of five may disagree.
    static let agreement = 80

    let lessons: Lessons
    /// Which severity is usual.
    let rules: RuleSet

    /// - Parameter result: the failure in question. What was said of itself does not count, so the machine's word beside a person's is never its echo.
    /// - Returns: `nil` when it cannot tell.
    func judge(_ signature: Signature, of result: ID<Result>) -> Judgement? {
        if let lesson = lessons.lesson(on: signature, of: result) { return judgement([(lesson, 1000)], for: lesson.category) }
        let heard = lessons.nearest(
            to: signature, of: result, most: Self.neighbours, least: Self.heard, shared: Self.shared)
        guard let first = heard.first, first.similarity >= Self.needed else { return nil }
        let category = first.lesson.category
        let votes = heard.reduce(0) { $0 + $1.similarity }
        let agreeing = heard.reduce(0) { $0 + ($1.lesson.category == category ? $1.similarity : 0) }
        guard agreeing * 100 >= votes * Self.agreement else { return nil }
        return judgement(heard, for: category)
    }

    /// As severe as the person said of the nearest that named a severity: how much it matters is a matter of what it is about, so the nearest knows it best.
    private func judgement(_ heard: [(lesson: Lesson, similarity: Int)], for category: Category) -> Judgement? {
        // That nobody knows what it is, is no answer.
        guard category != .unknown else { return nil }
        let agreeing = heard.filter { $0.lesson.category == category }
        var judgement = Judgement(
            category: category, severity: agreeing.lazy.compactMap(\.lesson.severity).first ?? rules.usualSeverity(of: category), rule: Self.rule,
            evidence: Self.words(agreeing.count, category, agreeing[0].similarity))
        judgement.neighbours = heard.map {
            Neighbour(
                result: $0.lesson.result, verdict: $0.lesson.verdict, category: $0.lesson.category, severity: $0.lesson.severity,
                similarity: $0.similarity)
        }
        return judgement
    }

    private static func words(_ count: Int, _ category: Category, _ similarity: Int) -> String {
        let filed = "that people filed as \(category.rawValue.replacing("_", with: " "))"
        if similarity == 1000 { return "the same as one \(filed)" }
        return count == 1
            ? "like one \(filed): \(similarity / 10) % alike" : "like \(count) failures \(filed): the nearest is \(similarity / 10) % alike"
    }
}
