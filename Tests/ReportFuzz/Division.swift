/// How a file is cut in pieces, as networks do it. Derived from the file's own bytes, so that every file is an input by itself and what was found once is
/// found again.
enum Division {
    case whole
    /// Pieces of 1 to `longest` bytes.
    case pieces(seed: UInt64, longest: Int)

    /// One that is not `whole`: one byte at a time, a few, or many.
    init(seed: UInt64) {
        self = .pieces(seed: seed, longest: [1, 7, 64, 4096][Int(seed >> 8 & 3)])
    }

    func ranges(of count: Int) -> [Range<Int>] {
        guard case .pieces(var seed, let longest) = self else { return [0..<count] }
        var found: [Range<Int>] = []
        var start = 0
        while start < count {
            // Knuth's MMIX.
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let end = min(count, start + 1 + Int(seed >> 33) % longest)
            found.append(start..<end)
            start = end
        }
        return found
    }
}
