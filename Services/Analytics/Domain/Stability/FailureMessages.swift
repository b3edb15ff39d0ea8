import Foundation

/// What a test's newest failures on one line said, as far as it is known: failures that say the same have one cause more often than not.
///
/// Messages come from elsewhere than results, mostly later and sometimes before them. So this is no part of what results add up to, but a set of its own:
/// the newest failures of all that were ever heard of. It is the same in whatever order messages, results and decisions about the environment come, and a
/// verdict looks at both together (`pairs`). Mostly some 100 bytes, and never more than 250 (`bytes`).
package struct FailureMessages: Sendable, Equatable {
    /// As many as have ten neighbours: more weigh no more (`StabilityModel.messagePairs`). Of every edition, since this is what is kept.
    package static let limit = 11

    struct Entry: Sendable, Equatable {
        /// When the run began, milliseconds since the epoch.
        let at: Int64
        /// Tells results of one moment apart (`TestObservation.order` of the result's first try).
        let order: UInt32
        /// 0 while it is not known.
        var fingerprint: UInt64
        /// The failure was put down to the environment: what it says does not count. It keeps its place, since it may be given back.
        var isExcused = false

        func precedes(_ other: Entry) -> Bool { (at, order) < (other.at, other.order) }
    }

    /// Oldest first.
    private(set) var newest: [Entry] = []

    package init() {}

    package var isEmpty: Bool { newest.isEmpty }

    /// What the failure said. Again it changes nothing.
    /// - Parameter fingerprint: equal for messages that say the same; 0 says nothing.
    package mutating func hear(_ fingerprint: UInt64, at: Int64, order: UInt32) {
        guard fingerprint != 0 else { return }
        change(Entry(at: at, order: order, fingerprint: fingerprint)) { $0.fingerprint = max($0.fingerprint, fingerprint) }
    }

    mutating func excuse(at: Int64, order: UInt32) {
        change(Entry(at: at, order: order, fingerprint: 0, isExcused: true)) { $0.isExcused = true }
    }

    mutating func readmit(at: Int64, order: UInt32) {
        guard let place = newest.firstIndex(where: { $0.at == at && $0.order == order }) else { return }
        if newest[place].fingerprint == 0 { newest.remove(at: place) } else { newest[place].isExcused = false }
    }

    /// Takes in what is remembered of another test that turned out to be this one.
    mutating func merge(_ other: FailureMessages) {
        for entry in other.newest {
            change(entry) {
                $0.fingerprint = max($0.fingerprint, entry.fingerprint)
                $0.isExcused = $0.isExcused || entry.isExcused
            }
        }
    }

    private mutating func change(_ new: Entry, _ known: (inout Entry) -> Void) {
        let place = newest.firstIndex { !$0.precedes(new) } ?? newest.endIndex
        if place < newest.endIndex, newest[place].at == new.at, newest[place].order == new.order { return known(&newest[place]) }
        newest.insert(new, at: place)
        if newest.count > Self.limit { newest.removeFirst() }
    }

    /// Neighbouring failures whose messages are known: of one failing stretch, and of two. A message whose failure has not come yet, or is not remembered
    /// any more, stands beside nothing.
    func pairs(in stretches: [Stretch]) -> (within: Pairs, across: Pairs) {
        var (within, across) = (Pairs(), Pairs())
        var last: (fingerprint: UInt64, stretch: Int)?
        for entry in newest where entry.fingerprint != 0 && !entry.isExcused {
            guard let stretch = stretches.lastIndex(where: { !$0.passed && $0.first <= entry.at && entry.at <= $0.last }) else { continue }
            if let last {
                let isAlike = last.fingerprint == entry.fingerprint
                if last.stretch == stretch { within.count(isAlike) } else { across.count(isAlike) }
            }
            last = (entry.fingerprint, stretch)
        }
        return (within, across)
    }

    struct Pairs: Sendable, Equatable {
        private(set) var alike = 0
        private(set) var unlike = 0

        var all: Int { alike + unlike }

        mutating func count(_ isAlike: Bool) {
            if isAlike { alike += 1 } else { unlike += 1 }
        }

        static func += (left: inout Pairs, right: Pairs) {
            left.alike += right.alike
            left.unlike += right.unlike
        }
    }
}

/// As a column keeps it and a receipt quotes it. First byte: the layout, 1. Then the fingerprints that occur, each once, and of each failure its time as a
/// difference, the place of its fingerprint, 0 for none, and whether it is excused. Nothing at all when nothing is known.
extension FailureMessages {
    private static let layout: UInt64 = 1

    package var bytes: [UInt8] {
        guard !newest.isEmpty else { return [] }
        var fingerprints: [UInt64] = []
        for entry in newest where entry.fingerprint != 0 && !fingerprints.contains(entry.fingerprint) { fingerprints.append(entry.fingerprint) }
        var writer = CompactWriter()
        writer.write(Self.layout)
        writer.write(fingerprints.count)
        fingerprints.forEach { writer.write(hash: $0) }
        writer.write(newest.count)
        var time: Int64 = 0
        for entry in newest {
            writer.write(entry.at &- time)
            time = entry.at
            writer.write(order: entry.order)
            writer.write((fingerprints.firstIndex(of: entry.fingerprint).map { $0 + 1 } ?? 0) << 1 | (entry.isExcused ? 1 : 0))
        }
        return writer.bytes
    }

    /// `nil` for what `bytes` did not write.
    package init?(bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        var reader = CompactReader(bytes)
        guard reader.unsigned() == Self.layout, let count = reader.unsigned(), count <= Self.limit else { return nil }
        var fingerprints: [UInt64] = [0]
        for _ in 0..<count {
            guard let fingerprint = reader.hash() else { return nil }
            fingerprints.append(fingerprint)
        }
        guard let entries = reader.unsigned(), entries <= Self.limit else { return nil }
        var time: Int64 = 0
        for _ in 0..<entries {
            guard let difference = reader.signed(), let order = reader.order(), let word = reader.unsigned(), word >> 1 < fingerprints.count else {
                return nil
            }
            time = time &+ difference
            newest.append(Entry(at: time, order: order, fingerprint: fingerprints[Int(word >> 1)], isExcused: word & 1 == 1))
        }
        guard reader.isAtEnd else { return nil }
    }
}
