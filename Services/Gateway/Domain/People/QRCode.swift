/// A QR code of a text in bytes (ISO/IEC 18004), error correction level M: a phone's camera reads a secret from it that nobody wants to type.
///
/// The standard's construction step by step; versions up to 15, which is 412 bytes, so that it stays small enough for a screen.
struct QRCode: Sendable {
    static let largestVersion = 15

    /// Modules along one side, without the quiet zone of four around it.
    private(set) var size: Int
    /// Rows from top to bottom; true is dark.
    private(set) var modules: [[Bool]]
    /// Modules that are no data: patterns, timing, format and version.
    private var isFunction: [[Bool]]
    private var version: Int

    /// `nil` for a text that is too long.
    init?(_ text: String) {
        let bytes = Array(text.utf8)
        let fitting = (1...Self.largestVersion).first { Self.dataCodewords($0) * 8 >= 4 + Self.countBits($0) + bytes.count * 8 }
        guard let version = fitting else { return nil }
        self.version = version
        size = version * 4 + 17
        modules = Array(repeating: Array(repeating: false, count: size), count: size)
        isFunction = modules
        drawPatterns()
        drawData(Self.interleaved(Self.data(bytes, version), version))
        // The mask that leaves the fewest shapes that readers could take for something else.
        let best = (0..<8).min { penalty(masked: $0) < penalty(masked: $1) } ?? 0
        self = masked(best)
    }

    /// The dark modules as one path, a quiet zone of four modules included.
    var path: String {
        var path = ""
        for (y, row) in modules.enumerated() {
            for (x, isDark) in row.enumerated() where isDark { path += "M\(x + 4) \(y + 4)h1v1h-1z" }
        }
        return path
    }

    // MARK: - Capacity

    private static let correctionPerBlock = [10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24]
    private static let blocks = [1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10]

    private static func countBits(_ version: Int) -> Int { version < 10 ? 8 : 16 }

    private static func allCodewords(_ version: Int) -> Int {
        var modules = (16 * version + 128) * version + 64
        if version >= 2 {
            let count = version / 7 + 2
            modules -= (25 * count - 10) * count - 55
            if version >= 7 { modules -= 36 }
        }
        return modules / 8
    }

    private static func dataCodewords(_ version: Int) -> Int {
        allCodewords(version) - correctionPerBlock[version - 1] * blocks[version - 1]
    }

    // MARK: - Codewords

    private static func data(_ bytes: [UInt8], _ version: Int) -> [UInt8] {
        var bits: [Bool] = []
        func append(_ value: Int, _ count: Int) { bits += (0..<count).reversed().map { value >> $0 & 1 == 1 } }
        append(0b0100, 4)
        append(bytes.count, countBits(version))
        for byte in bytes { append(Int(byte), 8) }
        let capacity = dataCodewords(version) * 8
        bits += Array(repeating: false, count: min(4, capacity - bits.count))
        bits += Array(repeating: false, count: (8 - bits.count % 8) % 8)
        var codewords = stride(from: 0, to: bits.count, by: 8).map { bits[$0..<($0 + 8)].reduce(UInt8(0)) { $0 << 1 | ($1 ? 1 : 0) } }
        for pad in 0..<(capacity / 8 - codewords.count) { codewords.append(pad.isMultiple(of: 2) ? 0xEC : 0x11) }
        return codewords
    }

    private static func interleaved(_ data: [UInt8], _ version: Int) -> [UInt8] {
        let (count, correction, all) = (blocks[version - 1], correctionPerBlock[version - 1], allCodewords(version))
        let short = all / count - correction
        let shortBlocks = count - all % count
        let divisor = generator(correction)
        var rest = data[...]
        let parts = (0..<count).map { index in
            let length = short + (index < shortBlocks ? 0 : 1)
            defer { rest = rest.dropFirst(length) }
            return Array(rest.prefix(length))
        }
        let checks = parts.map { remainder($0, divisor) }
        let first = (0...short).flatMap { index in parts.compactMap { index < $0.count ? $0[index] : nil } }
        return first + (0..<correction).flatMap { index in checks.map { $0[index] } }
    }

    /// Multiplication in the field of 256 elements over x⁸ + x⁴ + x³ + x² + 1.
    private static func product(_ left: UInt8, _ right: UInt8) -> UInt8 {
        var result = 0
        for bit in (0..<8).reversed() {
            result = result << 1 ^ (result >> 7) * 0x11D
            result ^= (Int(right) >> bit & 1) * Int(left)
        }
        return UInt8(result)
    }

    private static func generator(_ degree: Int) -> [UInt8] {
        var result = Array(repeating: UInt8(0), count: degree - 1) + [1]
        var root: UInt8 = 1
        for _ in 0..<degree {
            for index in result.indices {
                result[index] = product(result[index], root)
                if index + 1 < result.count { result[index] ^= result[index + 1] }
            }
            root = product(root, 2)
        }
        return result
    }

    private static func remainder(_ data: [UInt8], _ divisor: [UInt8]) -> [UInt8] {
        var result = Array(repeating: UInt8(0), count: divisor.count)
        for byte in data {
            let factor = byte ^ result.removeFirst()
            result.append(0)
            for index in result.indices { result[index] ^= product(divisor[index], factor) }
        }
        return result
    }

    // MARK: - Drawing

    private mutating func set(_ x: Int, _ y: Int, _ isDark: Bool) {
        modules[y][x] = isDark
        isFunction[y][x] = true
    }

    private mutating func drawPatterns() {
        for index in 0..<size {
            set(6, index, index.isMultiple(of: 2))
            set(index, 6, index.isMultiple(of: 2))
        }
        for (x, y) in [(3, 3), (size - 4, 3), (3, size - 4)] { drawFinder(x, y) }
        let positions = alignment()
        for (row, y) in positions.enumerated() {
            for (column, x) in positions.enumerated() {
                let last = positions.count - 1
                if (row, column) == (0, 0) || (row, column) == (0, last) || (row, column) == (last, 0) { continue }
                for dy in -2...2 { for dx in -2...2 { set(x + dx, y + dy, max(abs(dx), abs(dy)) != 1) } }
            }
        }
        drawFormat(mask: 0)
        guard version >= 7 else { return }
        var check = version
        for _ in 0..<12 { check = check << 1 ^ (check >> 11) * 0x1F25 }
        let bits = version << 12 | check
        for index in 0..<18 {
            let isDark = bits >> index & 1 == 1
            set(size - 11 + index % 3, index / 3, isDark)
            set(index / 3, size - 11 + index % 3, isDark)
        }
    }

    private mutating func drawFinder(_ x: Int, _ y: Int) {
        for dy in -4...4 {
            for dx in -4...4 where (0..<size).contains(x + dx) && (0..<size).contains(y + dy) {
                let distance = max(abs(dx), abs(dy))
                set(x + dx, y + dy, distance != 2 && distance != 4)
            }
        }
    }

    private func alignment() -> [Int] {
        guard version > 1 else { return [] }
        let count = version / 7 + 2
        let step = (version * 4 + count * 2 + 1) / (count * 2 - 2) * 2
        return [6] + (0..<(count - 1)).map { size - 7 - $0 * step }.reversed()
    }

    private mutating func drawFormat(mask: Int) {
        // Level M is 0.
        var check = mask
        for _ in 0..<10 { check = check << 1 ^ (check >> 9) * 0x537 }
        let bits = (mask << 10 | check) ^ 0x5412
        func isDark(_ index: Int) -> Bool { bits >> index & 1 == 1 }
        for index in 0...5 { set(8, index, isDark(index)) }
        set(8, 7, isDark(6))
        set(8, 8, isDark(7))
        set(7, 8, isDark(8))
        for index in 9..<15 { set(14 - index, 8, isDark(index)) }
        for index in 0..<8 { set(size - 1 - index, 8, isDark(index)) }
        for index in 8..<15 { set(8, size - 15 + index, isDark(index)) }
        set(8, size - 8, true)
    }

    /// In columns of two from the right, up and down in turns, round whatever is there already.
    private mutating func drawData(_ codewords: [UInt8]) {
        var next = 0
        var right = size - 1
        while right >= 1 {
            if right == 6 { right = 5 }
            let isUpward = (right + 1) & 2 == 0
            for vertical in 0..<size {
                let y = isUpward ? size - 1 - vertical : vertical
                for x in [right, right - 1] where !isFunction[y][x] && next < codewords.count * 8 {
                    modules[y][x] = codewords[next / 8] >> (7 - next % 8) & 1 == 1
                    next += 1
                }
            }
            right -= 2
        }
    }

    // MARK: - Masks

    private func masked(_ mask: Int) -> QRCode {
        var code = self
        for y in 0..<size {
            for x in 0..<size where !isFunction[y][x] && Self.isInverted(mask, x, y) { code.modules[y][x].toggle() }
        }
        code.drawFormat(mask: mask)
        return code
    }

    private static func isInverted(_ mask: Int, _ x: Int, _ y: Int) -> Bool {
        switch mask {
        case 0: (x + y) % 2 == 0
        case 1: y % 2 == 0
        case 2: x % 3 == 0
        case 3: (x + y) % 3 == 0
        case 4: (x / 3 + y / 2) % 2 == 0
        case 5: x * y % 2 + x * y % 3 == 0
        case 6: (x * y % 2 + x * y % 3) % 2 == 0
        default: ((x + y) % 2 + x * y % 3) % 2 == 0
        }
    }

    /// The standard's four rules: runs, blocks of two by two, what looks like a finder, and the balance of dark and light.
    private func penalty(masked mask: Int) -> Int {
        let rows = masked(mask).modules
        let columns = rows.indices.map { x in rows.map { $0[x] } }
        var result = 0
        for line in rows + columns {
            var run = 0
            for index in line.indices {
                run = index > 0 && line[index] == line[index - 1] ? run + 1 : 1
                if run == 5 { result += 3 } else if run > 5 { result += 1 }
            }
            let text = String(line.map { $0 ? "1" : "0" } as [Character])
            for shape in ["00001011101", "10111010000"] { result += 40 * text.indices.count { text[$0...].hasPrefix(shape) } }
        }
        for y in 0..<(size - 1) {
            for x in 0..<(size - 1) where Set([rows[y][x], rows[y][x + 1], rows[y + 1][x], rows[y + 1][x + 1]]).count == 1 { result += 3 }
        }
        let dark = rows.joined().count { $0 }
        return result + abs(dark * 20 - size * size * 10) / (size * size) * 10
    }
}
