/// Collects messages into pages that fit into a call. Where a page ends depends on the messages alone, so it is the same in every try.
struct Pages<Element> {
    private let maxCount: Int
    private let maxBytes: Int
    private var page: [Element] = []
    private var bytes = 0
    private var sequence: Int32 = 0

    init(maxCount: Int, maxBytes: Int) {
        self.maxCount = maxCount
        self.maxBytes = maxBytes
    }

    /// - Parameters:
    ///   - element: for the page.
    ///   - size: its bytes, rather too many than too few: to serialize every element for its size alone would cost as much as sending it.
    /// - Returns: the page before the element, when the element does not fit into it any more.
    mutating func add(_ element: Element, size: Int) -> (page: [Element], sequence: Int32)? {
        let full = page.count == maxCount || bytes + size > maxBytes ? rest() : nil
        page.append(element)
        bytes += size
        return full
    }

    /// What is left; `nil` when that is nothing.
    mutating func rest() -> (page: [Element], sequence: Int32)? {
        guard !page.isEmpty else { return nil }
        defer {
            page = []
            bytes = 0
            sequence += 1
        }
        return (page, sequence)
    }
}
