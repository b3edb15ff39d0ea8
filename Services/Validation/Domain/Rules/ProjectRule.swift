import Foundation
import Patterns
import Primitives

/// A rule of one project: a pattern, where it looks, and what a failure is that it finds. Asked before the rules that everybody has.
struct ProjectRule: Sendable, Identified {
    static let idPrefix = "rul"
    /// Rules that a project has.
    static let maxRules = 100
    static let orders = 1...1000
    static let maxName = 200

    /// Where a pattern looks, in this order. The raw values are stored.
    enum Place: String, Sendable, CaseIterable { case message, type, trace, systemErr = "system_err" }

    /// What a person says of a rule.
    struct Draft: Sendable {
        let name: String
        let category: Category
        let severity: Severity
        /// The lowest is asked first; of equal ones the one that was made first.
        let order: Int
        let places: [Place]
        let pattern: Pattern
        let isEnabled: Bool
    }

    let id: ID<ProjectRule>
    let draft: Draft
    /// The edition of the project's rules in which it became what it is; a rule's version.
    let edition: Int64
    /// Failures on which it ran out of its budget since, and when it last did.
    var overruns: Int64 = 0
    var lastOverrun: Date?

    /// A rule that cannot be had cheaply is switched off, in an edition of its own, once it has run out so often.
    static let mostOverruns: Int64 = 20

    func before(_ other: ProjectRule) -> Bool {
        (draft.order, id.uuid.uuidString) < (other.draft.order, other.id.uuid.uuidString)
    }

    /// - Returns: the line that it saw; what looking cost; whether it was too much.
    func search(_ texts: SymptomTexts) -> (evidence: String?, cost: Duration, isOverBudget: Bool) {
        var cost = Duration.zero
        for place in draft.places {
            guard let text = texts[place] else { continue }
            let search = draft.pattern.search(text)
            cost += search.elapsed
            switch search.outcome {
            case .found(let range): return (ScannedTexts.line(around: range.lowerBound, in: text), cost, false)
            case .overBudget: return (nil, cost, true)
            case .absent: break
            }
        }
        return (nil, cost, false)
    }
}

/// A failure's texts as bytes, by the place where a pattern looks; empty ones are left out.
struct SymptomTexts: Sendable {
    private let texts: [ProjectRule.Place: [UInt8]]

    init(_ symptoms: Symptoms) {
        let all: [(ProjectRule.Place, String)] = [
            (.message, symptoms.message), (.type, symptoms.type), (.trace, symptoms.trace), (.systemErr, symptoms.standardError),
        ]
        texts = Dictionary(uniqueKeysWithValues: all.filter { !$1.isEmpty }.map { ($0, Array($1.utf8.prefix(Symptoms.maxBytes))) })
    }

    subscript(place: ProjectRule.Place) -> [UInt8]? { texts[place] }
}
