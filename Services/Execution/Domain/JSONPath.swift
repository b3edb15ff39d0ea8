/// A query into a JSON value: RFC 9535 without the functions `match` and `search`, which would need a bounded regular expression engine.
struct JSONPath: Sendable {
    /// Longest text, in bytes.
    static let maxLength = 1024
    /// Brackets and filters inside each other (T98).
    static let maxDepth = 64
    /// Steps of one evaluation (T98): every value that is looked at or selected is one.
    static let maxSteps = 100_000

    let segments: [Segment]

    /// One step into the value, or with `isDescendant` (`..`) one from every value below.
    struct Segment: Sendable {
        let selectors: [Selector]
        let isDescendant: Bool

        /// Selects at most one value, whatever it is applied to.
        var isSingular: Bool {
            guard !isDescendant, selectors.count == 1 else { return false }
            return switch selectors[0] {
            case .name, .index: true
            case .wildcard, .slice, .filter: false
            }
        }
    }

    enum Selector: Sendable {
        case name(String)
        case wildcard
        case index(Int)
        case slice(start: Int?, end: Int?, step: Int)
        case filter(Filter)
    }

    /// A condition on an element or member (`@`).
    indirect enum Filter: Sendable {
        case or(Filter, Filter)
        case and(Filter, Filter)
        case not(Filter)
        case compare(Operand, Comparison, Operand)
        case exists(Query)
    }

    enum Comparison: String, Sendable {
        case equal = "=="
        case notEqual = "!="
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
    }

    /// What stands at one side of a comparison.
    indirect enum Operand: Sendable {
        case literal(JSONValue)
        case query(Query)
        case length(Operand)
        case count(Query)
        case value(Query)
    }

    /// A path inside a filter, from the element (`@`) or from the top (`$`).
    struct Query: Sendable {
        let isRelative: Bool
        let segments: [Segment]

        var isSingular: Bool { segments.allSatisfy(\.isSingular) }
    }

    /// - Throws: `invalid_jsonpath` with the position at fault.
    init(_ text: String) throws(CaseError) {
        guard text.utf8.count <= Self.maxLength else {
            throw CaseError("invalid_jsonpath", "The JSONPath is longer than \(Self.maxLength) bytes.")
        }
        segments = try JSONPathParser.parse(text)
    }

    /// The values that the path selects, in the order of the specification; empty when there is none.
    /// - Throws: `jsonpath_budget` when it takes more than `maxSteps`.
    func select(in root: JSONValue) throws(CaseError) -> [JSONValue] {
        var evaluation = JSONPathEvaluation(root: root)
        return try evaluation.select(segments, from: root)
    }
}
