/// One walk of a path over a value, after RFC 9535 section 2, with its step budget.
struct JSONPathEvaluation {
    private let root: JSONValue
    private var steps = JSONPath.maxSteps

    init(root: JSONValue) {
        self.root = root
    }

    /// - Throws: `jsonpath_budget`.
    mutating func select(_ segments: [JSONPath.Segment], from start: JSONValue) throws(CaseError) -> [JSONValue] {
        var nodes = [start]
        for segment in segments {
            var next: [JSONValue] = []
            for node in nodes {
                if segment.isDescendant {
                    try descend(segment.selectors, node, into: &next)
                } else {
                    for selector in segment.selectors { try apply(selector, node, into: &next) }
                }
            }
            nodes = next
            if nodes.isEmpty { break }
        }
        return nodes
    }

    private mutating func descend(_ selectors: [JSONPath.Selector], _ node: JSONValue, into found: inout [JSONValue]) throws(CaseError) {
        try spend(1)
        for selector in selectors { try apply(selector, node, into: &found) }
        switch node {
        case .array(let elements): for element in elements { try descend(selectors, element, into: &found) }
        case .object(let members): for member in members { try descend(selectors, member.value, into: &found) }
        case .null, .bool, .integer, .number, .string: break
        }
    }

    private mutating func apply(_ selector: JSONPath.Selector, _ node: JSONValue, into found: inout [JSONValue]) throws(CaseError) {
        switch selector {
        case .name(let name):
            try spend(1 + node.count / 16)
            if let value = node.member(name) { found.append(value) }
        case .wildcard:
            try spend(1 + node.count)
            switch node {
            case .array(let elements): found += elements
            case .object(let members): found += members.map(\.value)
            case .null, .bool, .integer, .number, .string: break
            }
        case .index(let index):
            try spend(1)
            guard case .array(let elements) = node else { return }
            let position = index < 0 ? elements.count + index : index
            if elements.indices.contains(position) { found.append(elements[position]) }
        case .slice(let start, let end, let step):
            try spend(1)
            guard case .array(let elements) = node else { return }
            for position in Self.positions(start, end, step, count: elements.count) {
                try spend(1)
                found.append(elements[position])
            }
        case .filter(let filter):
            try spend(1)
            switch node {
            case .array(let elements):
                for element in elements where try holds(filter, element) { found.append(element) }
            case .object(let members):
                for member in members where try holds(filter, member.value) { found.append(member.value) }
            case .null, .bool, .integer, .number, .string: break
            }
        }
    }

    /// Section 2.3.4.2.2: bounds count from the end when negative and are moved into the array.
    private static func positions(_ start: Int?, _ end: Int?, _ step: Int, count: Int) -> StrideTo<Int> {
        func normal(_ bound: Int) -> Int { bound >= 0 ? bound : count + bound }
        if step > 0 {
            let lower = min(max(normal(start ?? 0), 0), count)
            return stride(from: lower, to: min(max(normal(end ?? count), 0), count), by: step)
        }
        guard step < 0 else { return stride(from: 0, to: 0, by: 1) }
        let upper = min(max(normal(start ?? count - 1), -1), count - 1)
        let lower = end.map { min(max(normal($0), -1), count - 1) } ?? -1
        return stride(from: upper, to: lower, by: step)
    }

    // MARK: Filters

    private mutating func holds(_ filter: JSONPath.Filter, _ node: JSONValue) throws(CaseError) -> Bool {
        try spend(1)
        switch filter {
        case .or(let left, let right): return try holds(left, node) ? true : holds(right, node)
        case .and(let left, let right): return try holds(left, node) ? holds(right, node) : false
        case .not(let inner): return try !holds(inner, node)
        case .exists(let query): return try !nodes(query, node).isEmpty
        case .compare(let left, let comparison, let right):
            return try compare(value(left, node), comparison, value(right, node))
        }
    }

    private mutating func nodes(_ query: JSONPath.Query, _ node: JSONValue) throws(CaseError) -> [JSONValue] {
        try select(query.segments, from: query.isRelative ? node : root)
    }

    /// Nil is the specification's `Nothing`.
    private mutating func value(_ operand: JSONPath.Operand, _ node: JSONValue) throws(CaseError) -> JSONValue? {
        switch operand {
        case .literal(let value): return value
        case .query(let query): return try nodes(query, node).first
        case .count(let query): return .integer(Int64(try nodes(query, node).count))
        case .value(let query):
            let found = try nodes(query, node)
            return found.count == 1 ? found[0] : nil
        case .length(let inner):
            switch try value(inner, node) {
            case .string(let text):
                try spend(1 + text.utf8.count / 1024)
                return .integer(Int64(text.unicodeScalars.count))
            case .array(let elements): return .integer(Int64(elements.count))
            case .object(let members): return .integer(Int64(members.count))
            case .null, .bool, .integer, .number, nil: return nil
            }
        }
    }

    /// Section 2.3.5.2.2: only numbers and strings have an order; two absent values are equal.
    private mutating func compare(_ left: JSONValue?, _ comparison: JSONPath.Comparison, _ right: JSONValue?) throws(CaseError) -> Bool {
        switch comparison {
        case .equal: try equal(left, right)
        case .notEqual: try !equal(left, right)
        case .less: precedes(left, right)
        case .greater: precedes(right, left)
        case .lessOrEqual: try precedes(left, right) ? true : equal(left, right)
        case .greaterOrEqual: try precedes(right, left) ? true : equal(left, right)
        }
    }

    private mutating func equal(_ left: JSONValue?, _ right: JSONValue?) throws(CaseError) -> Bool {
        guard let left, let right else { return left == nil && right == nil }
        // Equality looks at every value of the smaller side at most once for each of its names; charged before it is done.
        try spend(1 + min(left.size(upTo: steps), right.size(upTo: steps)))
        return left.equals(right)
    }

    private func precedes(_ left: JSONValue?, _ right: JSONValue?) -> Bool {
        switch (left, right) {
        case (.string(let left), .string(let right)): left.utf8.lexicographicallyPrecedes(right.utf8)
        case (.integer(let left), .integer(let right)): left < right
        case (let left?, let right?):
            if let left = left.double, let right = right.double { left < right } else { false }
        default: false
        }
    }

    private mutating func spend(_ count: Int) throws(CaseError) {
        steps -= count
        guard steps >= 0 else {
            throw CaseError("jsonpath_budget", "The JSONPath takes more than \(JSONPath.maxSteps) steps on this response: make it more exact.")
        }
    }
}
