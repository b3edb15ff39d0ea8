import Primitives

/// What the reports of an upload say as the parsers read them today, held against what is stored of them. Cases are matched by test identity, and where
/// a test comes several times by their order.
struct Rereading: Equatable, Sendable {
    /// Results of an upload that is read again; both readings are in memory.
    static let mostResults = 200_000
    /// Differences that are listed. All are counted.
    static let listed = 200

    /// A case, as far as two readings are compared.
    struct Case: Equatable, Sendable {
        var test: ID<TestIdentity>
        let suiteName: String
        let className: String
        let name: String
        let outcome: Outcome
        let microseconds: Int64?
        /// How many tries the report tells of.
        let attempt: Int
    }

    struct Difference: Equatable, Sendable {
        /// `nil` for a case that was not found before.
        let stored: Case?
        /// `nil` for a case that is not found any more.
        let read: Case?
    }

    private(set) var same = 0
    private(set) var changed = 0
    private(set) var added = 0
    private(set) var removed = 0
    private(set) var differences: [Difference] = []

    init(stored: [Case], read: [Case]) {
        var places: [ID<TestIdentity>: [Int]] = [:]
        for (index, found) in stored.enumerated().reversed() { places[found.test, default: []].append(index) }
        var isFound = [Bool](repeating: false, count: stored.count)
        for found in read {
            guard let index = places[found.test]?.popLast() else {
                added += 1
                list(nil, found)
                continue
            }
            isFound[index] = true
            if stored[index] == found {
                same += 1
            } else {
                changed += 1
                list(stored[index], found)
            }
        }
        for (index, found) in stored.enumerated() where !isFound[index] {
            removed += 1
            list(found, nil)
        }
    }

    private mutating func list(_ stored: Case?, _ read: Case?) {
        if differences.count < Self.listed { differences.append(Difference(stored: stored, read: read)) }
    }
}
