extension JSONValue {
    /// The number, when this is one.
    var double: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        case .null, .bool, .string, .array, .object: nil
        }
    }

    /// Equality of values, as RFC 9535 has it: numbers by value (`1` is `1.0`), strings by code point, objects without regard to order.
    func equals(_ other: JSONValue) -> Bool {
        switch (self, other) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.integer(let left), .integer(let right)): left == right
        case (.integer, .number), (.number, .integer), (.number, .number): double == other.double
        case (.string(let left), .string(let right)): left.isSame(as: right)
        case (.array(let left), .array(let right)):
            left.count == right.count && zip(left, right).allSatisfy { $0.equals($1) }
        case (.object(let left), .object(let right)):
            Self.equal(left, right)
        default: false
        }
    }

    /// By sorted names, so that two large objects are not compared name by name.
    private static func equal(_ left: [Member], _ right: [Member]) -> Bool {
        guard left.count == right.count else { return false }
        func sorted(_ members: [Member]) -> [Member] {
            members.count < 2 ? members : members.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        }
        return zip(sorted(left), sorted(right)).allSatisfy { $0.name.isSame(as: $1.name) && $0.value.equals($1.value) }
    }

    /// How many values there are in this one, itself included; counting ends at `limit`.
    func size(upTo limit: Int) -> Int {
        var size = 1
        switch self {
        case .array(let elements):
            for element in elements where size < limit { size += element.size(upTo: limit - size) }
        case .object(let members):
            for member in members where size < limit { size += member.value.size(upTo: limit - size) }
        case .null, .bool, .integer, .number, .string: break
        }
        return size
    }
}
