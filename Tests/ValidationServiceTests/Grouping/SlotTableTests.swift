import Testing

@testable import ValidationService

@Suite("numbers by keys that are hashes")
struct SlotTableTests {
    /// Keys that begin at two places, one of them the last of any table, so that looking goes on at its beginning.
    private struct Colliding: HashedKey {
        let number: Int
        var bits: UInt64 { number % 3 == 0 ? 1 : 0x0e21_7c1e_66c8_8cc3 }
    }

    @Test("a table answers as a dictionary does, whatever is set and removed", arguments: 1...10 as ClosedRange<UInt64>)
    func likeDictionary(seed: UInt64) {
        var chance = Chance(seed)
        var (mixed, colliding) = (SlotTable<UInt64>(), SlotTable<Colliding>())
        var (numbers, others): ([UInt64: Int], [Int: Int]) = ([:], [:])
        for step in 0..<3000 {
            let key = Int.random(in: 0..<200, using: &chance)
            let bits = UInt64(key) &* 0x2545_f491_4f6c_dd1d
            if Int.random(in: 0..<3, using: &chance) == 0 {
                #expect(mixed.remove(bits) == numbers.removeValue(forKey: bits))
                if key < 40 { #expect(colliding.remove(Colliding(number: key)) == others.removeValue(forKey: key)) }
            } else {
                mixed.set(bits, to: step)
                numbers[bits] = step
                if key < 40 {
                    colliding.set(Colliding(number: key), to: step)
                    others[key] = step
                }
            }
        }
        #expect((0..<200).allSatisfy { mixed[UInt64($0) &* 0x2545_f491_4f6c_dd1d] == numbers[UInt64($0) &* 0x2545_f491_4f6c_dd1d] })
        #expect((0..<40).allSatisfy { colliding[Colliding(number: $0)] == others[$0] })
    }
}
