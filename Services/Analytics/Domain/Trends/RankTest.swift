import Foundation

/// Whether two samples are of one distribution, by their ranks: Mann, Whitney, On a Test of Whether One of Two Random Variables is Stochastically Larger
/// than the Other, Ann. Math. Statist. 18, 1947; normal approximation with the correction for ties.
enum RankTest {
    /// Probability of so great a difference either way by chance.
    static func chance(_ left: ArraySlice<Double>, _ right: ArraySlice<Double>) -> Double {
        guard !left.isEmpty, !right.isEmpty else { return 1 }
        let all = (left.map { ($0, true) } + right.map { ($0, false) }).sorted { $0.0 < $1.0 }
        var ranks = 0.0
        var ties = 0.0
        var start = 0
        while start < all.count {
            var end = start
            while end < all.count, all[end].0 == all[start].0 { end += 1 }
            let size = Double(end - start)
            // The mean of the ranks that equal values share.
            ranks += Double(start + end + 1) / 2 * Double(all[start..<end].count { $0.1 })
            ties += size * size * size - size
            start = end
        }
        let (n, m, count) = (Double(left.count), Double(right.count), Double(all.count))
        let variance = n * m / 12 * (count + 1 - ties / (count * (count - 1)))
        guard variance > 0 else { return 1 }
        let difference = abs(ranks - n * (count + 1) / 2)
        return erfc(max(0, difference - 0.5) / sqrt(2 * variance))
    }
}
