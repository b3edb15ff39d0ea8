/// Signatures that may be merged by the machine: of one origin, their skeletons of one length.
package struct BucketKey: Hashable, Sendable {
    package let origin: String
    package let length: Int

    init(origin: String, skeleton: Skeleton) {
        self.origin = origin
        length = skeleton.tokens.count
    }

    package init(_ signature: Signature) {
        self.init(origin: signature.origin, skeleton: Skeleton(signature.text))
    }

    /// The group of what neither is kept nor fits anywhere.
    package var rest: SignatureID { SignatureID(hashing: "rest\n\(length)\n\(origin)") }
}

/// The signatures of one bucket, and their groups as long as no person has decided about any of them: kept up with each signature, and the same as
/// `Grouping` computes from all of them at once.
struct SignatureBucket: Sendable {
    let key: BucketKey
    private(set) var ids: [SignatureID] = []
    private var miner = TemplateMiner()
    /// By a skeleton's number: who failed first among those that have joined it; up to date at roots.
    private var first: [Int: First] = [:]

    private struct First {
        let firstSeen: Int64
        let id: SignatureID
    }

    init(_ key: BucketKey) {
        self.key = key
    }

    /// - Returns: the number of the signature's skeleton.
    mutating func insert(_ known: KnownSignature, _ skeleton: Skeleton) -> Int {
        ids.append(known.signature.id)
        let number = miner.insert(skeleton)
        see(known.signature.id, at: known.firstSeen, skeleton: number)
        return number
    }

    /// A signature turns out to have failed earlier than was known.
    mutating func see(_ id: SignatureID, at firstSeen: Int64, skeleton number: Int) {
        if let known = first[number], (known.firstSeen, known.id) <= (firstSeen, id) { return }
        first[number] = First(firstSeen: firstSeen, id: id)
        isCurrent = false
    }

    /// The id of the group's first signature.
    mutating func group(skeleton number: Int) -> SignatureID? {
        if !isCurrent { gather() }
        return groups[miner.root(number)]
    }

    mutating func group(fitting skeleton: Skeleton) -> SignatureID? { miner.fitting(skeleton).flatMap { group(skeleton: $0) } }

    private var isCurrent = true
    private var groups: [Int: SignatureID] = [:]

    private mutating func gather() {
        var earliest: [Int: First] = [:]
        for (number, one) in first {
            let root = miner.root(number)
            if let other = earliest[root], (other.firstSeen, other.id) <= (one.firstSeen, one.id) { continue }
            earliest[root] = one
        }
        groups = earliest.mapValues(\.id)
        isCurrent = true
    }
}
