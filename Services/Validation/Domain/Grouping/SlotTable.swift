/// A key that is a hash already, or has one.
protocol HashedKey: Equatable, Sendable {
    var bits: UInt64 { get }
}

extension SignatureID: HashedKey {
    var bits: UInt64 { high ^ low }
}

extension UInt64: HashedKey {
    var bits: UInt64 { self }
}

/// Numbers by keys that are hashes themselves. Swift's dictionary hashes every key again, against whoever picks keys that collide, and that is most of what
/// a look-up costs here (a tenth of all time over lines of logs, by `perf`). Whoever picks them here slows down nothing but the failures of their own
/// project, of which `GroupingIndex.maxSignatures` are kept.
///
/// Linear probing at a load of a half at most; a removed key's place is filled from behind (Knuth, The Art of Computer Programming 3, 6.4, algorithm R).
struct SlotTable<Key: HashedKey>: Sendable {
    private struct Cell {
        let key: Key
        var slot: Int
    }

    private var cells: [Cell?] = []
    private var count = 0
    private var shift: UInt64 = 64

    subscript(key: Key) -> Int? {
        guard count > 0 else { return nil }
        return cells[place(of: key)]?.slot
    }

    mutating func set(_ key: Key, to slot: Int) {
        if 2 * (count + 1) > cells.count { grow() }
        let place = place(of: key)
        if cells[place] == nil { count += 1 }
        cells[place] = Cell(key: key, slot: slot)
    }

    mutating func remove(_ key: Key) -> Int? {
        guard count > 0 else { return nil }
        var free = place(of: key)
        guard let removed = cells[free] else { return nil }
        cells[free] = nil
        count -= 1
        let mask = cells.count - 1
        var next = (free + 1) & mask
        while let cell = cells[next] {
            // It moves up unless that would be before the place where looking for it begins.
            if (next - home(of: cell.key)) & mask >= (next - free) & mask {
                cells[free] = cell
                cells[next] = nil
                free = next
            }
            next = (next + 1) & mask
        }
        return removed.slot
    }

    /// Where it stands, or else the free place where it would.
    private func place(of key: Key) -> Int {
        var place = home(of: key)
        while let cell = cells[place], cell.key != key { place = (place + 1) & (cells.count - 1) }
        return place
    }

    /// By the upper bits of a product (Knuth's multiplicative hashing): all bits of the key count.
    private func home(of key: Key) -> Int { Int((key.bits &* 0x9e37_79b9_7f4a_7c15) >> shift) }

    private mutating func grow() {
        let old = cells
        cells = [Cell?](repeating: nil, count: max(16, 2 * old.count))
        shift = UInt64(64 - cells.count.trailingZeroBitCount)
        for case let cell? in old { cells[place(of: cell.key)] = cell }
    }
}
