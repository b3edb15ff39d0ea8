import Foundation

/// What assertions look at.
struct Answer: Sendable {
    let status: Int
    /// Name and value in the order of their arrival, names repeated where the answer repeats them.
    let headers: [(name: String, value: String)]
    let body: Data
    /// From the start of the exchange to its end.
    let milliseconds: Double
    /// What must not be shown of it.
    var mask = SecretMask.none
}

// The rules, which Proto/Projects/suites.proto promises:
//
// - Nothing found (no such header, a path that selects nothing, an empty body): only NOT_EXISTS, NOT_EQUALS and NOT_CONTAINS hold.
// - STATUS and RESPONSE_TIME are numbers: the target is read as a number.
// - HEADER and BODY are text: EQUALS and CONTAINS compare it character by character, case and blanks included; LESS_THAN and GREATER_THAN
//   read both sides as numbers and do not hold where the text is none.
// - JSON is a value. EQUALS holds when the target is JSON text of an equal value (`1` and `1.0` are equal, the order of members is of no
//   account), or when the value is a string and the target is that string. CONTAINS: a string has the target in it, an array has an equal
//   element, an object has a member of that name. LESS_THAN and GREATER_THAN ask for a JSON number. A path that selects several values
//   gives the array of them.
// - The NOT_ forms are the plain negation.
extension Assertion {
    /// - Parameter json: the body, parsed when it is first asked for.
    /// - Throws: when the assertion itself cannot be used: `invalid_jsonpath`, `jsonpath_budget`, `invalid_assertion`.
    func judge(_ answer: Answer, json: () -> Result<JSONValue, JSONParser.Failure>) throws(CaseError) -> AssertionOutcome {
        switch source {
        case .status: return outcome(.number(Double(answer.status)), try judge(number: Double(answer.status)), answer.mask)
        case .responseTime: return outcome(.number(answer.milliseconds), try judge(number: answer.milliseconds), answer.mask)
        case .header:
            let values = answer.headers.filter { $0.name.lowercased() == property.lowercased() }.map(\.value)
            return try judge(text: values.isEmpty ? nil : values.joined(separator: ", "), answer.mask)
        case .body: return try judge(text: answer.body.isEmpty ? nil : String(decoding: answer.body, as: UTF8.self), answer.mask)
        case .json:
            let path = try JSONPath(property)
            switch json() {
            case .success(let root):
                let found = try path.select(in: root)
                let value: JSONValue? = found.count > 1 ? .array(found) : found.first
                return outcome(value, try judge(value: value), answer.mask)
            case .failure(let failure):
                // Not even NOT_EXISTS holds: nothing can be said about values of something that has none.
                return AssertionOutcome(assertion: words, passed: false, actual: "the body is not JSON: \(failure.detail)")
            }
        }
    }

    private func judge(number: Double) throws(CaseError) -> Bool {
        let target = try targetNumber()
        return switch comparison {
        case .equals: number == target
        case .notEquals: number != target
        case .lessThan: number < target
        case .greaterThan: number > target
        case .exists: true
        case .notExists: false
        case .contains, .notContains: throw CaseError("invalid_assertion", "A number cannot contain something: \(words).")
        }
    }

    private func judge(text: String?, _ mask: SecretMask) throws(CaseError) -> AssertionOutcome {
        let passed =
            switch comparison {
            case .exists: text != nil
            case .notExists: text == nil
            case .equals: text.map { $0.isSame(as: target) } ?? false
            case .notEquals: text.map { !$0.isSame(as: target) } ?? true
            case .contains: text.map { $0.holds(target) } ?? false
            case .notContains: text.map { !$0.holds(target) } ?? true
            case .lessThan, .greaterThan: try judge(order: text.flatMap { Double($0.trimmingCharacters(in: .whitespaces)) })
            }
        let actual = text.map { Excerpt.of($0, limit: Excerpt.actualLimit, mask: mask) } ?? "nothing"
        return AssertionOutcome(assertion: words, passed: passed, actual: actual)
    }

    private func judge(value: JSONValue?) throws(CaseError) -> Bool {
        switch comparison {
        case .exists: value != nil
        case .notExists: value == nil
        case .equals: value.map(equalsTarget) ?? false
        case .notEquals: value.map { !equalsTarget($0) } ?? true
        case .contains: value.map(containsTarget) ?? false
        case .notContains: value.map { !containsTarget($0) } ?? true
        case .lessThan, .greaterThan: try judge(order: value?.double)
        }
    }

    private func judge(order number: Double?) throws(CaseError) -> Bool {
        let target = try targetNumber()
        guard let number else { return false }
        return comparison == .lessThan ? number < target : number > target
    }

    private func equalsTarget(_ value: JSONValue) -> Bool {
        if case .string(let text) = value, text.isSame(as: target) { return true }
        guard let wanted = try? JSONParser.parse(target.utf8) else { return false }
        return value.equals(wanted)
    }

    private func containsTarget(_ value: JSONValue) -> Bool {
        switch value {
        case .string(let text): text.holds(target)
        case .array(let elements): elements.contains(where: equalsTarget)
        case .object: value.member(target) != nil
        case .null, .bool, .integer, .number: false
        }
    }

    private func targetNumber() throws(CaseError) -> Double {
        if comparison == .exists || comparison == .notExists { return 0 }
        guard let number = Double(target), number.isFinite else {
            throw CaseError("invalid_assertion", "The target of this assertion must be a number: \(words).")
        }
        return number
    }

    private func outcome(_ found: JSONValue?, _ passed: Bool, _ mask: SecretMask) -> AssertionOutcome {
        let actual =
            found.map { Excerpt.of($0.text(limit: Excerpt.actualLimit + 1 + mask.reach), limit: Excerpt.actualLimit, mask: mask) } ?? "nothing"
        return AssertionOutcome(assertion: words, passed: passed, actual: actual)
    }
}

extension String {
    /// Byte by byte, so that it takes the time of one pass: an empty text is in every text.
    fileprivate func holds(_ other: String) -> Bool {
        other.isEmpty || Data(utf8).range(of: Data(other.utf8)) != nil
    }
}
