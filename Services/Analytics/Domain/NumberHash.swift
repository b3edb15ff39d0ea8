/// A hash of many numbers, a whole one at a step, so that one of sheets of tens of thousands of tests costs less than reading them. As `StableHash`
/// it is the same on every machine and in every process. No step loses anything: sequences that differ in one number have different hashes.
struct NumberHash: Sendable {
    private(set) var value: UInt64 = 0

    mutating func add(_ number: UInt64) { value = StabilityReceipt.mixed(value ^ number) }

    mutating func add(_ number: Int64) { add(UInt64(bitPattern: number)) }

    /// To its last bit.
    mutating func add(_ number: Double) { add(number.bitPattern) }
}
