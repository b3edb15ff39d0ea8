/// The decisions of persons about one organization's groups, and the groups of the buckets they touch.
struct Decisions: Sendable {
    private var byID: [String: GroupingConstraint] = [:]
    /// Signatures that any decision names.
    private(set) var named: Set<SignatureID> = []
    /// The groups of buckets that decisions touch, as far as computed, by the bucket's number.
    var groups: [Int: [SignatureID: SignatureID]] = [:]
    /// Buckets that decisions tie together, and all that they touch; `nil` when it must be found anew.
    private var links: [Int: Set<Int>]?

    var isEmpty: Bool { byID.isEmpty }
    /// In the order of their making.
    var all: [GroupingConstraint] { byID.values.sorted { ($0.decidedAt, $0.id) < ($1.decidedAt, $1.id) } }

    mutating func insert(_ constraint: GroupingConstraint) {
        guard byID[constraint.id] == nil, byID.count < GroupingIndex.maxConstraints else { return }
        byID[constraint.id] = constraint
        named.formUnion(constraint.signatures)
        relink()
    }

    /// A named signature came, or a decision: which buckets belong together may have changed.
    mutating func relink() {
        links = nil
        groups = [:]
    }

    /// Something in this bucket changed.
    mutating func outdate(_ bucket: Int) {
        guard !isEmpty, groups[bucket] != nil else { return }
        guard let links else { return groups = [:] }
        for neighbour in Self.neighbourhood(of: bucket, links) { groups[neighbour] = nil }
    }

    /// The bucket and all that decisions tie to it, directly or through others.
    mutating func neighbourhood(of bucket: Int, _ bucketOf: (SignatureID) -> Int?) -> Set<Int> {
        guard !isEmpty else { return [bucket] }
        return Self.neighbourhood(of: bucket, found(bucketOf))
    }

    /// Whether any decision names a signature of this bucket.
    mutating func touch(_ bucket: Int, _ bucketOf: (SignatureID) -> Int?) -> Bool { found(bucketOf)[bucket] != nil }

    private static func neighbourhood(of bucket: Int, _ links: [Int: Set<Int>]) -> Set<Int> {
        var found: Set = [bucket]
        var queue = [bucket]
        while let next = queue.popLast() {
            for neighbour in links[next] ?? [] where found.insert(neighbour).inserted { queue.append(neighbour) }
        }
        return found
    }

    private mutating func found(_ bucketOf: (SignatureID) -> Int?) -> [Int: Set<Int>] {
        if let links { return links }
        var links: [Int: Set<Int>] = [:]
        for constraint in byID.values {
            let tied = Set(constraint.signatures.compactMap(bucketOf))
            guard let hub = tied.min() else { continue }
            for bucket in tied {
                links[hub, default: []].insert(bucket)
                links[bucket, default: []].insert(hub)
            }
        }
        self.links = links
        return links
    }
}
