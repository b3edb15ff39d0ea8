import AnalyticsAPI
import Foundation

/// Weights of the quality score that somebody tries; those that are absent are the usual ones.
struct QualityWeights: Sendable {
    /// In the order of the terms, as parameters of the address.
    static let names = terms.map(\.field)

    fileprivate static let terms: [(name: PBQualityTerm.Name, field: String, label: String)] = [
        (.failing, "failing", "Failing results"), (.flaky, "flaky", "Flaky tests"), (.regressed, "regressed", "Broken and regressed tests"),
        (.slower, "slower", "Tests that became slower"), (.skipped, "skipped", "Skipped results"),
        (.recovery, "recovery", "Time until a failing test passes again"),
    ]

    private let weights: [String: Double]

    /// What is no weight counts as not given.
    init(_ given: [(name: String, text: String?)] = []) {
        var weights: [String: Double] = [:]
        for (name, text) in given {
            guard let weight = text.flatMap({ Double($0) }), (0...1_000).contains(weight) else { continue }
            weights[name] = weight
        }
        self.weights = weights
    }

    var isEmpty: Bool { weights.isEmpty }

    func fill(_ request: inout PBGetQualityScoreRequest) {
        if let weight = weights["failing"] { request.failingWeight = weight }
        if let weight = weights["flaky"] { request.flakyWeight = weight }
        if let weight = weights["regressed"] { request.regressedWeight = weight }
        if let weight = weights["slower"] { request.slowerWeight = weight }
        if let weight = weights["skipped"] { request.skippedWeight = weight }
        if let weight = weights["recovery"] { request.recoveryWeight = weight }
    }
}

/// A project's quality score with what each term gives to it, and a form to try other weights.
struct QualityPanel: Sendable {
    let score: String?
    let scoreNote: String?
    let mainBranch: String?
    let terms: [Term]
    let path: String
    /// What else the page shows, kept when weights are tried.
    let hidden: [Hidden]
    let isTried: Bool
    let usualPath: String

    struct Hidden: Sendable {
        let name: String
        let value: String
    }

    struct Term: Sendable {
        let label: String
        /// Of its weight in the form.
        let field: String
        let measured: String
        let zero: String
        let worth: String
        let weight: String
        let points: String
        let most: String

        /// `nil` for a term that this release does not know.
        init?(_ term: PBQualityTerm) {
            guard let known = QualityWeights.terms.first(where: { $0.name == term.name }) else { return nil }
            (label, field) = (known.label, known.field)
            func text(_ measure: Double) -> String { term.name == .recovery ? QualityPanel.hours(measure) : NumberText.percent(measure) }
            measured = text(term.measured)
            zero = text(term.zero)
            worth = QualityPanel.number(term.value, digits: 2)
            weight = QualityPanel.number(term.weight, digits: 3)
            points = QualityPanel.number(term.points, digits: 1)
            most = QualityPanel.number(term.most, digits: 1)
        }
    }

    init(_ panel: Panel<PBQualityScore>, weights: QualityWeights, path: String, filter: [(name: String, value: String)]) {
        let known = panel.content
        score = known.flatMap { $0.hasScore ? Self.number($0.score, digits: 1) : nil }
        scoreNote =
            panel.note ?? (score != nil ? nil : known?.data.isEmpty == false ? "No term has a weight." : "Nothing could be measured yet.")
        mainBranch = known?.mainBranch.nonEmpty?.shortened(to: 200)
        terms = known?.data.compactMap(Term.init) ?? []
        self.path = path
        let kept = filter.filter { !$0.value.isEmpty }
        hidden = kept.map { Hidden(name: $0.name, value: $0.value) }
        isTried = !weights.isEmpty
        usualPath = PageAddress.of(path, kept, fragment: "score")
    }

    /// `18 h`, `45 min`
    fileprivate static func hours(_ hours: Double) -> String {
        DurationText.of(milliseconds: Int64((min(hours, 1e6) * 3_600_000).rounded()))
    }

    /// `87.5`, `25`
    fileprivate static func number(_ number: Double, digits: Int) -> String {
        let scale = pow(10, Double(digits))
        let rounded = (number * scale).rounded() / scale
        return rounded == rounded.rounded() && abs(rounded) < 1e9 ? String(Int64(rounded)) : String(rounded)
    }
}
