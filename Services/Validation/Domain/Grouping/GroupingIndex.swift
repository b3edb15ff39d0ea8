/// What one organization's failures have looked like so far, and the groups that follow from it.
///
/// The state is a set of signatures with the earliest and latest time of each, and a set of decisions. Both only take unions, minima and maxima, so
/// two states that heard of the same failures are equal (a state-based CRDT: Shapiro et al., Conflict-free Replicated Data Types, SSS 2011), and the
/// groups are a function of the state. Every group's id is the id of one of its signatures, so an id that a merge has made obsolete leads on to the
/// group that holds that signature now.
package struct GroupingIndex: Sendable {
    /// Signatures that are kept for an organization, and in one bucket of it; who failed first is kept. A signature that is not kept goes to the
    /// group it fits in, or to the bucket's group for the rest.
    package static let maxSignatures = 16_384
    package static let maxPerBucket = 1024
    package static let maxConstraints = 10_000

    private struct Entry {
        var known: KnownSignature
        let bucket: Int
        /// The number of its skeleton there.
        let skeleton: Int
    }

    private let maxSignatures: Int
    private let maxPerBucket: Int
    /// Where a signature's entry stands.
    private var slots = SlotTable<SignatureID>()
    private var entries: [Entry] = []
    private var buckets: [SignatureBucket] = []
    private var numbers: [BucketKey: Int] = [:]
    private var decisions = Decisions()
    /// By bucket, and under `nil` for all, who has to go first; as far as known.
    private var lasts: [Int?: KnownSignature] = [:]

    package init(maxSignatures: Int = Self.maxSignatures, maxPerBucket: Int = Self.maxPerBucket) {
        self.maxSignatures = maxSignatures
        self.maxPerBucket = maxPerBucket
    }

    /// In the order of their first failure.
    package var signatures: [KnownSignature] { entries.map(\.known).sorted(by: KnownSignature.precedes) }
    /// In the order of their making.
    package var constraints: [GroupingConstraint] { decisions.all }

    // MARK: Learning

    /// Notes one line of a log and tells its group. Nearly every line's signature is known already, and then nothing is made or allocated.
    package mutating func file(_ line: UnsafeBufferPointer<UInt8>, with scanner: inout LineScanner, at time: Int64) -> SignatureID {
        scanner.scan(line)
        let id = scanner.id
        if let slot = slots[id] {
            see(slot, time, time)
            if let group = group(at: slot) { return group }
        }
        let signature = Signature(origin: "", text: scanner.signature)
        note(signature, at: time)
        return group(of: signature)
    }

    package mutating func note(_ signature: Signature, at time: Int64) {
        insert(KnownSignature(signature, firstSeen: time, lastSeen: time))
    }

    package mutating func insert(_ known: KnownSignature) {
        let id = known.signature.id
        if let slot = slots[id] { return see(slot, known.firstSeen, known.lastSeen) }
        let skeleton = Skeleton(known.signature.text)
        let key = BucketKey(origin: known.signature.origin, skeleton: skeleton)
        // The one that failed last has to go; when that is the new one, it does not come in.
        if let bucket = numbers[key], buckets[bucket].ids.count >= maxPerBucket {
            guard makesRoom(for: known, in: bucket) else { return }
        } else if entries.count >= maxSignatures {
            guard makesRoom(for: known, in: nil) else { return }
        }
        shelve(known, skeleton, key)
    }

    /// Takes a person's decision, as far as it is new. A decision beyond `maxConstraints` must be refused before it gets here.
    package mutating func insert(_ constraint: GroupingConstraint) {
        decisions.insert(constraint)
        lasts = [:]
    }

    /// Takes over all that another replica knows.
    package mutating func merge(_ other: GroupingIndex) {
        for constraint in other.constraints { insert(constraint) }
        for known in other.signatures { insert(known) }
    }

    /// Drops groups of which nothing has been seen since `time`, whole, unless a person has decided about any signature of theirs. The others stay as they
    /// are, and keep their ids: a group's merges follow from its own signatures.
    package mutating func forget(before time: Int64) {
        let groups = allGroups()
        var staying: Set<SignatureID> = []
        for entry in entries where entry.known.lastSeen >= time || decisions.named.contains(entry.known.signature.id) {
            if let group = groups[entry.known.signature.id] { staying.insert(group) }
        }
        remove(Set(groups.filter { !staying.contains($0.value) }.keys))
    }

    private mutating func see(_ slot: Int, _ first: Int64, _ last: Int64) {
        if last > entries[slot].known.lastSeen { entries[slot].known.lastSeen = last }
        if first < entries[slot].known.firstSeen {
            entries[slot].known.firstSeen = first
            lasts = [:]
            buckets[entries[slot].bucket].see(entries[slot].known.signature.id, at: first, skeleton: entries[slot].skeleton)
            decisions.outdate(entries[slot].bucket)
        }
    }

    private mutating func shelve(_ known: KnownSignature, _ skeleton: Skeleton, _ key: BucketKey) {
        let bucket = numbers[key] ?? buckets.count
        if bucket == buckets.count {
            numbers[key] = bucket
            buckets.append(SignatureBucket(key))
        }
        let number = buckets[bucket].insert(known, skeleton)
        slots.set(known.signature.id, to: entries.count)
        entries.append(Entry(known: known, bucket: bucket, skeleton: number))
        lasts = [:]
        decisions.outdate(bucket)
        if decisions.named.contains(known.signature.id) { decisions.relink() }
    }

    // MARK: Bounds

    /// - Parameter bucket: where room is needed; `nil` when it is needed anywhere.
    private mutating func makesRoom(for known: KnownSignature, in bucket: Int?) -> Bool {
        let last = lasts[bucket] ?? findLast(in: bucket)
        lasts[bucket] = last
        guard let last, stays(known, before: last) else { return false }
        remove([last.signature.id])
        return true
    }

    private func findLast(in bucket: Int?) -> KnownSignature? {
        let candidates = bucket.map { buckets[$0].ids.compactMap { slots[$0].map { entries[$0].known } } } ?? entries.map(\.known)
        return candidates.max { stays($0, before: $1) }
    }

    /// Who failed first stays; before all, what a person decided about.
    private func stays(_ one: KnownSignature, before other: KnownSignature) -> Bool {
        let (oneNamed, otherNamed) = (decisions.named.contains(one.signature.id), decisions.named.contains(other.signature.id))
        return oneNamed == otherNamed ? KnownSignature.precedes(one, other) : oneNamed
    }

    /// What a bucket learnt from a signature cannot be taken back, so it is made anew from the others.
    private mutating func remove(_ ids: Set<SignatureID>) {
        let touched = Set(ids.compactMap { slots[$0].map { entries[$0].bucket } })
        for bucket in touched.sorted() {
            let all = buckets[bucket].ids
            let staying = all.filter { !ids.contains($0) }.compactMap { slots[$0].map { entries[$0].known } }
            all.forEach { take($0) }
            buckets[bucket] = SignatureBucket(buckets[bucket].key)
            for known in staying { shelve(known, Skeleton(known.signature.text), buckets[bucket].key) }
            lasts = [:]
            decisions.outdate(bucket)
        }
    }

    private mutating func take(_ id: SignatureID) {
        guard let slot = slots.remove(id), let last = entries.popLast(), slot < entries.count else { return }
        entries[slot] = last
        slots.set(last.known.signature.id, to: slot)
    }

    // MARK: Asking

    /// The group of a signature, whether or not it is kept.
    package mutating func group(of signature: Signature) -> SignatureID {
        if let group = group(of: signature.id) { return group }
        let skeleton = Skeleton(signature.text)
        let key = BucketKey(origin: signature.origin, skeleton: skeleton)
        // What it fits in names a signature; persons may have decided about that one.
        guard let bucket = numbers[key], let like = buckets[bucket].group(fitting: skeleton) else { return key.rest }
        return group(of: like) ?? like
    }

    /// Where a group's id, also one that is obsolete, or a signature's leads today; `nil` when no such signature is kept.
    package mutating func group(of id: SignatureID) -> SignatureID? { slots[id].flatMap { group(at: $0) } }

    /// Every kept signature's group.
    package mutating func allGroups() -> [SignatureID: SignatureID] {
        var all: [SignatureID: SignatureID] = [:]
        for slot in entries.indices { all[entries[slot].known.signature.id] = group(at: slot) }
        return all
    }

    /// Why the signatures of this group are one. Computed when asked for.
    package mutating func merges(of group: SignatureID) -> [Merge] {
        guard let bucket = slots[group].map({ entries[$0].bucket }) else { return [] }
        let grouping = compute(decisions.neighbourhood(of: bucket, bucketOf))
        return grouping.merges.filter { grouping.groups[$0.joined] == grouping.groups[group] }
    }

    private mutating func group(at slot: Int) -> SignatureID? {
        let bucket = entries[slot].bucket
        guard !decisions.isEmpty, decisions.touch(bucket, bucketOf) else { return buckets[bucket].group(skeleton: entries[slot].skeleton) }
        let id = entries[slot].known.signature.id
        if let known = decisions.groups[bucket] { return known[id] }
        let neighbourhood = decisions.neighbourhood(of: bucket, bucketOf)
        let groups = compute(neighbourhood).groups
        for bucket in neighbourhood { decisions.groups[bucket] = groups }
        return groups[id]
    }

    /// The bucket of a signature, `nil` when it is not kept.
    private var bucketOf: (SignatureID) -> Int? {
        { [slots, entries] in slots[$0].map { entries[$0].bucket } }
    }

    private func compute(_ neighbourhood: Set<Int>) -> Grouping {
        let known = neighbourhood.flatMap { buckets[$0].ids }.compactMap { slots[$0].map { entries[$0].known } }
        let members = Set(known.map(\.signature.id))
        return Grouping(known, constraints: decisions.all.filter { $0.signatures.contains(where: members.contains) })
    }
}
