/// Finds some bytes in others, in one pass whatever both are (Knuth, Morris and Pratt, "Fast Pattern Matching in Strings", 1977): whoever answers a test
/// chooses the text, and a search that starts over at every near miss would be theirs to slow down.
struct ByteSearch: Sendable {
    let wanted: [UInt8]
    /// For each beginning of `wanted`: how long the longest shorter beginning is that it also ends with.
    private let borders: [Int]

    /// - Parameter wanted: not empty.
    init(_ wanted: [UInt8]) {
        self.wanted = wanted
        var borders = [0]
        borders.reserveCapacity(wanted.count)
        var length = 0
        for byte in wanted.dropFirst() {
            while length > 0, wanted[length] != byte { length = borders[length - 1] }
            if wanted[length] == byte { length += 1 }
            borders.append(length)
        }
        self.borders = borders
    }

    /// Where the occurrences begin, also such as begin inside another.
    func occurrences(in text: [UInt8]) -> [Int] {
        var found: [Int] = []
        var matched = 0
        for (index, byte) in text.enumerated() {
            while matched > 0, wanted[matched] != byte { matched = borders[matched - 1] }
            if wanted[matched] == byte { matched += 1 }
            guard matched == wanted.count else { continue }
            found.append(index + 1 - wanted.count)
            matched = borders[matched - 1]
        }
        return found
    }
}
