import Foundation

/// How many different tests there were, in two bytes for each of the first few hundred and never more than 2 KB, whatever was counted: HyperLogLog (Flajolet
/// et al., *HyperLogLog: the analysis of a near-optimal cardinality estimation algorithm*, 2007). Sketches of signatures and hours are put together by the greater
/// of each register, so what is counted twice, or comes again, counts once; the order makes no difference.
///
/// It is kept as the registers that are not zero, place and rank in one number each, which is all that a small count needs and no more than a full one does. The
/// hash is the signatures' (`SignatureID`), so all replicas count alike.
enum DistinctSketch {
    /// 2 to the power of `precision`. The standard error is 1.04 / √1,024 = 3.25 %.
    static let registers = 1 << precision
    private static let precision = 10
    private static let rankBits = 5
    /// Bits of a register: enough for 2⁴⁰ tests.
    private static let maxRank = 1 << rankBits - 1

    /// The registers that are not zero, in the order of their places: the place in the upper ten bits, the rank in the lower five.
    static func entries(of ids: some Sequence<UUID>) -> [Int16] {
        var ranks: [Int: Int] = [:]
        for id in ids {
            let hash = withUnsafeBytes(of: id.uuid) { SignatureID(hashing: $0).high }
            let place = Int(hash >> (64 - precision))
            let rank = min(maxRank, (hash << precision).leadingZeroBitCount + 1)
            ranks[place] = max(ranks[place] ?? 0, rank)
        }
        return ranks.map { Int16($0.key << rankBits | $0.value) }.sorted()
    }

    /// - Parameters:
    ///   - used: registers that are not zero.
    ///   - sum: of 2 to the power of minus the rank, over these.
    static func estimate(used: Int, sum: Double) -> Int64 {
        let count = Double(registers)
        let empty = count - Double(used)
        let raw = 0.7213 / (1 + 1.079 / count) * count * count / (sum + empty)
        // Few tests leave many registers empty, and how many is the better measure (linear counting).
        guard raw <= 2.5 * count, empty > 0 else { return Int64(raw.rounded()) }
        return Int64((count * log(count / empty)).rounded())
    }
}
