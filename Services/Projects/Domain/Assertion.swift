import Primitives

/// `source` says what is looked at, `property` where in it, `comparison` and `target` what must hold.
struct Assertion: Sendable, Equatable, Codable {
    enum Source: String, Sendable, CaseIterable, Codable { case status, header, body, json, responseTime }
    enum Comparison: String, Sendable, CaseIterable, Codable {
        case equals, notEquals, contains, notContains, lessThan, greaterThan, exists, notExists
    }

    let source: Source
    let property: String
    let comparison: Comparison
    let target: String

    /// - Throws: `request.invalid` under `pointer` where the parts do not go together.
    init(source: Source, property: String, comparison: Comparison, target: String, at pointer: String) throws(Fault) {
        guard property.utf8.count <= 1024 else { throw .invalidField(pointer + "/property", "too_long", "A property has at most 1,024 bytes.") }
        guard target.utf8.count <= 64 * 1024 else { throw .invalidField(pointer + "/target", "too_long", "A target has at most 64 KiB.") }
        switch source {
        case .header where property.isEmpty:
            throw .invalidField(pointer + "/property", "missing", "The header's name is needed.")
        case .json where !property.hasPrefix("$"):
            throw .invalidField(pointer + "/property", "invalid_path", "A JSONPath begins with $ (RFC 9535).")
        case .status, .responseTime:
            guard comparison.isNumeric else {
                throw .invalidField(
                    pointer + "/comparison", "not_applicable", "A number is compared with EQUALS, NOT_EQUALS, LESS_THAN or GREATER_THAN.")
            }
            guard Double(target)?.isFinite == true else { throw .invalidField(pointer + "/target", "not_a_number", "The target must be a number.") }
        default:
            break
        }
        if comparison == .lessThan || comparison == .greaterThan, Double(target)?.isFinite != true {
            throw .invalidField(pointer + "/target", "not_a_number", "The target must be a number.")
        }
        self.source = source
        self.property = property
        self.comparison = comparison
        self.target = target
    }
}

extension Assertion.Comparison {
    fileprivate var isNumeric: Bool {
        switch self {
        case .equals, .notEquals, .lessThan, .greaterThan: true
        case .contains, .notContains, .exists, .notExists: false
        }
    }
}
