/// Something that must be true of an answer. `source` says what is looked at, `property` where in it, `comparison` and `target` what must hold.
struct Assertion: Codable, Sendable, Equatable {
    enum Source: String, Codable, Sendable, CaseIterable {
        case status, header, body, json
        /// Milliseconds.
        case responseTime = "response_time"
    }

    enum Comparison: String, Codable, Sendable, CaseIterable {
        case equals, contains, exists
        case notEquals = "not_equals"
        case notContains = "not_contains"
        case lessThan = "less_than"
        case greaterThan = "greater_than"
        case notExists = "not_exists"
    }

    let source: Source
    /// Name of the header, JSONPath; else empty.
    let property: String
    let comparison: Comparison
    let target: String

    init(_ source: Source, _ property: String, _ comparison: Comparison, _ target: String = "") {
        self.source = source
        self.property = property
        self.comparison = comparison
        self.target = target
    }

    init(_ source: Source, _ comparison: Comparison, _ target: String = "") {
        self.init(source, "", comparison, target)
    }

    /// The assertion in words: `header content-type contains json`.
    var words: String {
        var words = [source.rawValue.replacing("_", with: " ")]
        if source == .header || source == .json { words.append(property) }
        words.append(comparison.rawValue.replacing("_", with: " "))
        if comparison != .exists, comparison != .notExists { words.append(Excerpt.of(target, limit: 200)) }
        return words.joined(separator: " ")
    }
}

/// How one assertion went.
struct AssertionOutcome: Codable, Sendable, Equatable {
    /// `Assertion.words`.
    let assertion: String
    let passed: Bool
    /// What was found, up to 1 KiB.
    let actual: String
}
