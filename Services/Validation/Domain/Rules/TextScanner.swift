/// Finds where each of many texts stands first, in one pass over a text however many they are: the automaton of Aho and Corasick (CACM 18, 1975), with all
/// its transitions written out. Case is ignored (ASCII).
struct TextScanner: Sendable {
    struct Needle: Hashable, Sendable {
        let text: String
        /// Not as a part of a longer word or number.
        let isWhole: Bool
    }

    /// Bytes that no needle has are all alike: class 0.
    private let classes: [UInt8]
    private let width: Int
    /// By state and class: the next state, times `width`.
    private let next: [Int32]
    /// By state: needles that end here.
    private let ends: [[Int]]
    private let lengths: [Int]
    private let isWhole: [Bool]

    init(_ needles: [Needle]) {
        var classes = [UInt8](repeating: 0, count: 256)
        var width = 1
        for byte in needles.flatMap({ $0.text.utf8 }) where classes[Int(byte)] == 0 {
            classes[Int(byte)] = UInt8(width)
            width += 1
        }
        for upper in 65...90 { classes[upper] = classes[upper | 32] }

        var next = [Int32](repeating: -1, count: width)
        var ends: [[Int]] = [[]]
        for (index, needle) in needles.enumerated() {
            var state = 0
            for byte in needle.text.utf8 {
                let slot = state * width + Int(classes[Int(byte)])
                if next[slot] < 0 {
                    next[slot] = Int32(ends.count)
                    ends.append([])
                    next += [Int32](repeating: -1, count: width)
                }
                state = Int(next[slot])
            }
            ends[state].append(index)
        }

        // Breadth first: where a state has no way on, it goes on as the longest suffix of it that is a state does.
        var suffix = [Int](repeating: 0, count: ends.count)
        var queue: [Int] = []
        for slot in 0..<width {
            if next[slot] < 0 { next[slot] = 0 } else { queue.append(Int(next[slot])) }
        }
        var head = 0
        while head < queue.count {
            let state = queue[head]
            head += 1
            ends[state] += ends[suffix[state]]
            for kind in 0..<width {
                let slot = state * width + kind
                let other = next[suffix[state] * width + kind]
                if next[slot] < 0 {
                    next[slot] = other
                } else {
                    suffix[Int(next[slot])] = Int(other)
                    queue.append(Int(next[slot]))
                }
            }
        }
        self.classes = classes
        self.width = width
        self.next = next.map { $0 * Int32(width) }
        self.ends = ends
        lengths = needles.map(\.text.utf8.count)
        isWhole = needles.map(\.isWhole)
    }

    /// - Returns: by needle, the byte where it begins first; -1 where it is absent.
    func places(in text: [UInt8]) -> [Int32] {
        var places = [Int32](repeating: -1, count: lengths.count)
        text.withUnsafeBufferPointer { text in
            next.withUnsafeBufferPointer { next in
                classes.withUnsafeBufferPointer { classes in
                    var state = 0
                    for index in 0..<text.count {
                        state = Int(next[state + Int(classes[Int(text[index])])])
                        // Most states are the first ones, where nothing ends.
                        guard state > 0, !ends[state / width].isEmpty else { continue }
                        for needle in ends[state / width] where places[needle] < 0 {
                            let start = index + 1 - lengths[needle]
                            if !isWhole[needle] || Self.isWord(start, index + 1, in: text) { places[needle] = Int32(start) }
                        }
                    }
                }
            }
        }
        return places
    }

    private static func isWord(_ start: Int, _ end: Int, in text: UnsafeBufferPointer<UInt8>) -> Bool {
        func isPart(_ byte: UInt8) -> Bool {
            (97...122).contains(byte | 32) || (48...57).contains(byte) || byte == UInt8(ascii: "_") || byte >= 128
        }
        return (start == 0 || !isPart(text[start - 1])) && (end == text.count || !isPart(text[end]))
    }
}
