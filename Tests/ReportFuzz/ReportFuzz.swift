import Foundation
import Primitives

// What libFuzzer calls. The target is chosen by `--target=NAME`, which libFuzzer itself ignores.

private let target: FuzzTarget = {
    let names = CommandLine.arguments.compactMap { $0.hasPrefix("--target=") ? String($0.dropFirst("--target=".count)) : nil }
    guard let found = FuzzTarget.all.first(where: { names.last == $0.name }) else {
        fatalError("--target must be one of \(FuzzTarget.all.map(\.name).joined(separator: ", "))")
    }
    return found
}()

/// Limits so low that inputs of some hundred bytes meet each of them.
private let low = IngestLimits(
    wireBytes: 64 << 10, decodedBytes: 1 << 20, ratioFreeBytes: 4 << 10, files: 4, cases: 64, depth: 8, attributes: 8, attributeBytes: 256,
    nameBytes: 32, textBytes: 128, properties: 3, attempts: 2, recordBytes: 1 << 10, lineBytes: 256, heldCases: 4, heldBytes: 512, entries: 4)

@_cdecl("LLVMFuzzerTestOneInput")
func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = UnsafeBufferPointer(start: start, count: count)
    guard target.isWorthReading(bytes) else { return -1 }
    let seed = bytes.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
    let limits = seed & 1 == 0 ? low : IngestLimits()
    let whole = target.read(bytes, in: .whole, limits: limits)
    if let nonsense = whole.nonsense(limits) { fatalError(nonsense) }
    let divided = target.read(bytes, in: Division(seed: seed), limits: limits)
    if let difference = divided.difference(from: whole) { fatalError("in pieces, and as a whole: \(difference)") }
    return 0
}
