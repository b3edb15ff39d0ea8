import Foundation
import Primitives

/// Pairs tests that are gone with tests that are new where they are alike, because it is likely that they were renamed or moved.
///
/// Likeness is Dice's coefficient over the pairs of neighbouring letters, case ignored (L. R. Dice, "Measures of the Amount of Ecologic Association
/// Between Species", 1945): name 6, class 3, suite 1. Each test is in one pair at most, and the most alike come first.
enum RenameSuggestions {
    static let threshold = 0.6
    static let most = 100

    struct Pair: Equatable, Sendable {
        let test: TestDifference
        let alias: TestDifference
        let similarity: Double
    }

    static func pairs(removed: [TestDifference], added: [TestDifference]) -> [Pair] {
        let gone = removed.map(Letters.init)
        let new = added.map(Letters.init)
        var candidates: [(similarity: Double, gone: Int, new: Int)] = []
        for (i, a) in gone.enumerated() {
            for (j, b) in new.enumerated() {
                let similarity = a.similarity(to: b)
                if similarity >= threshold { candidates.append((similarity, i, j)) }
            }
        }
        candidates.sort { ($1.similarity, $0.gone, $0.new) < ($0.similarity, $1.gone, $1.new) }
        var takenGone: Set<Int> = []
        var takenNew: Set<Int> = []
        var pairs: [Pair] = []
        for candidate in candidates where pairs.count < most && !takenGone.contains(candidate.gone) && !takenNew.contains(candidate.new) {
            takenGone.insert(candidate.gone)
            takenNew.insert(candidate.new)
            pairs.append(Pair(test: removed[candidate.gone], alias: added[candidate.new], similarity: candidate.similarity))
        }
        return pairs
    }

    static func similarity(_ a: String, _ b: String) -> Double { dice(Letters.pairs(a), Letters.pairs(b)) }

    /// Pairs of neighbouring letters of a test's three texts, sorted.
    private struct Letters {
        let name: [UInt16]
        let className: [UInt16]
        let suite: [UInt16]

        init(_ test: TestDifference) {
            name = Self.pairs(test.name)
            className = Self.pairs(test.className)
            suite = Self.pairs(test.suiteName)
        }

        static func pairs(_ text: String) -> [UInt16] {
            let bytes = Array(text.lowercased().utf8.prefix(500))
            guard bytes.count > 1 else { return bytes.map(UInt16.init) }
            return zip(bytes, bytes.dropFirst()).map { UInt16($0) << 8 | UInt16($1) }.sorted()
        }

        func similarity(to other: Letters) -> Double {
            let names = dice(name, other.name)
            // The rest cannot lift it over the threshold.
            guard names * 0.6 + 0.4 >= threshold else { return 0 }
            return names * 0.6 + dice(className, other.className) * 0.3 + dice(suite, other.suite) * 0.1
        }
    }

    private static func dice(_ a: [UInt16], _ b: [UInt16]) -> Double {
        guard !a.isEmpty || !b.isEmpty else { return 1 }
        var (i, j, common) = (0, 0, 0)
        while i < a.count, j < b.count {
            if a[i] == b[j] {
                common += 1
                i += 1
                j += 1
            } else if a[i] < b[j] {
                i += 1
            } else {
                j += 1
            }
        }
        return 2 * Double(common) / Double(a.count + b.count)
    }
}
