import Primitives

/// Cuts bytes into lines, of which each is held whole up to a limit.
struct LineReader {
    private let limit: Int
    private var bytes: [UInt8] = []
    private var isTooLong = false
    private(set) var line = 0

    /// - Parameter limit: bytes of one line.
    init(limit: Int) {
        self.limit = limit
    }

    enum Line {
        case text(ArraySlice<UInt8>)
        case tooLong
    }

    /// - Parameter take: gets every complete line without its end.
    mutating func feed(_ input: UnsafeBufferPointer<UInt8>, _ take: (Line, Int) -> Void) {
        var rest = input[...]
        while let end = rest.firstIndex(of: 0x0A) {
            append(rest[..<end])
            emit(take)
            rest = rest[(end + 1)...]
        }
        append(rest)
    }

    mutating func finish(_ take: (Line, Int) -> Void) {
        if !bytes.isEmpty || isTooLong { emit(take) }
    }

    private mutating func append(_ piece: Slice<UnsafeBufferPointer<UInt8>>) {
        guard !isTooLong else { return }
        if bytes.count + piece.count > limit {
            isTooLong = true
            bytes = []
        } else {
            bytes.append(contentsOf: piece)
        }
    }

    private mutating func emit(_ take: (Line, Int) -> Void) {
        line += 1
        if bytes.last == 0x0D { bytes.removeLast() }
        if line == 1, bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
        take(isTooLong ? .tooLong : .text(bytes[...]), line)
        bytes.removeAll(keepingCapacity: true)
        isTooLong = false
    }
}
