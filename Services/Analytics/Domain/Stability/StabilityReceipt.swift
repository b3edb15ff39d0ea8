import Foundation
import Primitives

/// What is kept of a verdict with its test, so that it can be reached again and compared.
struct StabilityReceipt: Sendable, Equatable {
    let stability: Stability
    /// Edition of the model (`StabilityModel.editions`).
    let model: Int32
    /// Of what was remembered of the test, in the moment of the verdict.
    let inputHash: UInt64
    /// Of a verdict that the test is flaky, unless it was read from where they are not kept: they are told of many tests at once.
    let reasons: KeptReasons?

    init(stability: Stability, model: Int32, inputHash: UInt64, reasons: KeptReasons? = nil) {
        self.stability = stability
        self.model = model
        self.inputHash = inputHash
        self.reasons = reasons
    }

    /// - Parameter lines: in the order in which they are judged.
    init(_ lines: [TestLine], by model: StabilityModel = .current) {
        let (verdict, hash) = (StabilityVerdict(lines.map(\.state), model: model), Self.hash(of: lines))
        self.init(
            stability: Stability(verdict), model: model.edition, inputHash: hash,
            reasons: verdict.kind == .flaky ? KeptReasons(verdict.reasons, of: hash) : nil)
    }

    /// Of all that a verdict on these lines looks at, as it is stored. Eight bytes at a time, since every fact that comes in is paid for with it.
    static func hash(of lines: [TestLine]) -> UInt64 {
        var hash: UInt64 = 0
        for line in lines {
            for var name in [line.branch, line.environment] { name.withUTF8 { add(UnsafeRawBufferPointer($0), to: &hash) } }
            line.bytes.withUnsafeBytes { add($0, to: &hash) }
            line.messages.withUnsafeBytes { add($0, to: &hash) }
        }
        return hash
    }

    /// Each part behind its length, so that two parts cannot be taken for two others.
    private static func add(_ part: UnsafeRawBufferPointer, to hash: inout UInt64) {
        hash = mixed(hash ^ UInt64(part.count))
        for start in stride(from: 0, to: part.count, by: 8) {
            var word: UInt64 = 0
            if start + 8 <= part.count {
                word = UInt64(littleEndian: part.loadUnaligned(fromByteOffset: start, as: UInt64.self))
            } else {
                for byte in part[start...].reversed() { word = word << 8 | UInt64(byte) }
            }
            hash = mixed(hash ^ word)
        }
    }

    /// As SplitMix64 does (Steele, Lea, Flood, OOPSLA 2014): each bit changes half of the others.
    static func mixed(_ value: UInt64) -> UInt64 {
        var value = value &+ 0x9E37_79B9_7F4A_7C15
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}

/// The model that a verdict was reached with on what is remembered now.
struct StabilityReplay: Sendable {
    let receipt: StabilityReceipt
    let again: StabilityVerdict
    let inputHash: UInt64

    /// - Parameter models: those that a receipt may name.
    /// - Throws: `stability.not_replayable`.
    init(_ receipt: StabilityReceipt?, _ lines: [TestLine], among models: [StabilityModel] = StabilityModel.editions) throws(Fault) {
        guard let receipt else { throw Fault.notReplayable("The test has not been judged since verdicts have receipts.") }
        guard let model = models.first(where: { $0.edition == receipt.model }) else {
            throw Fault.notReplayable("This release does not have edition \(receipt.model) of what is believed of tests.")
        }
        self.receipt = receipt
        again = StabilityVerdict(lines.map(\.state), model: model)
        inputHash = StabilityReceipt.hash(of: lines)
    }

    var agrees: Bool { inputHash == receipt.inputHash && Stability(again) == receipt.stability }
}
