/// Signatures that may be merged by the machine: of one origin, their skeletons of one length.
package struct BucketKey: Hashable, Sendable {
    package let origin: String
    package let length: Int

    init(origin: String, skeleton: Skeleton) {
        self.origin = origin
        length = skeleton.places.count
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
    /// By the number of a root: who failed first among all that have joined it.
    private var first: [First?] = []

    private struct First {
        let firstSeen: Int64
        let id: SignatureID

        static func earlier(_ one: First?, _ other: First?) -> First? {
            guard let one, let other else { return one ?? other }
            return (one.firstSeen, one.id) < (other.firstSeen, other.id) ? one : other
        }
    }

    init(_ key: BucketKey) {
        self.key = key
    }

    /// - Returns: the number of the signature's skeleton.
    mutating func insert(_ known: KnownSignature, _ skeleton: Skeleton) -> Int {
        ids.append(known.signature.id)
        let number = miner.insert(skeleton)
        while first.count < miner.skeletons.count { first.append(nil) }
        for union in miner.takeUnions() { first[union.kept] = First.earlier(first[union.kept], first[union.lost]) }
        see(known.signature.id, at: known.firstSeen, skeleton: number)
        return number
    }

    /// A signature turns out to have failed earlier than was known.
    mutating func see(_ id: SignatureID, at firstSeen: Int64, skeleton number: Int) {
        let root = miner.root(number)
        first[root] = First.earlier(First(firstSeen: firstSeen, id: id), first[root])
    }

    /// The id of the group's first signature.
    mutating func group(skeleton number: Int) -> SignatureID? { first[miner.root(number)]?.id }

    mutating func group(fitting skeleton: Skeleton) -> SignatureID? { miner.fitting(skeleton).flatMap { group(skeleton: $0) } }
}
