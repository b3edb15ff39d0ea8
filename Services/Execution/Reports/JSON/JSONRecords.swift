import Primitives

/// Finds the records of a large JSON document as its bytes arrive: the values at a few paths, each small enough to be held, while everything around
/// them only has its brackets and commas looked at.
struct JSONRecords {
    /// Where records are: names of members, `*` for every element of an array, `{}` for every member of an object. The empty path is the whole document.
    typealias Path = [String]

    struct Record {
        /// Index of the path.
        let path: Int
        let bytes: [UInt8]
        let line: Int
    }

    enum End: Equatable {
        case complete
        /// The text ends inside of the document.
        case truncated
        case malformed(line: Int, String)
    }

    private let paths: [Path]
    private let maxDepth: Int
    private let maxRecord: Int

    private var stack: [Frame] = []
    private var expected = Expected.value
    private var line = 1
    private var key: [UInt8] = []
    private var isEscaped = false
    /// Inside of a string: of a key or of a value.
    private var string: StringKind?
    private var capture: Capture?
    private var failure: (line: Int, what: String)?
    private(set) var isTooDeep = false
    private(set) var oversized: [Int] = []
    /// Names of the root's members, and of their members, in the order of the text; the first hundred.
    private(set) var topNames: [String] = []
    /// Names of the members of what the root's members are lists of; the first hundred.
    private(set) var elementNames: [String] = []

    private enum Expected { case value, valueOrEnd, name, nameOrEnd, colon, commaOrEnd, literal, nothing }
    private enum StringKind { case key, value }

    private struct Frame {
        let isObject: Bool
        /// Bit n: path n goes through here.
        let candidates: UInt32
    }

    private struct Capture {
        let path: Int
        let line: Int
        /// Of the container in which the value stands.
        let depth: Int
        var bytes: [UInt8] = []
        var isOversized = false
    }

    /// - Parameter paths: 32 at most.
    init(_ paths: [Path], limits: IngestLimits) {
        precondition(paths.count <= 32)
        self.paths = paths
        maxDepth = limits.depth
        maxRecord = limits.recordBytes
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }

    /// - Returns: records that are complete with these bytes.
    mutating func feed(_ bytes: UnsafeBufferPointer<UInt8>) -> [Record] {
        var found: [Record] = []
        for byte in bytes {
            if failure != nil || isTooDeep { break }
            if byte == 0x0A { line += 1 }
            take(byte, &found)
        }
        return found
    }

    mutating func finish() -> (records: [Record], end: End) {
        var found: [Record] = []
        if expected == .literal { endValue(&found) }
        if let failure { return (found, .malformed(line: failure.line, failure.what)) }
        return (found, expected == .nothing ? .complete : .truncated)
    }

    // MARK: - Byte by byte

    private mutating func take(_ byte: UInt8, _ found: inout [Record]) {
        if let kind = string { return takeString(byte, kind, &found) }
        if expected == .literal {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"),
                UInt8(ascii: "."),
                UInt8(ascii: "E"):
                return keep(byte)
            default: endValue(&found)
            }
        }
        if Self.isBlank(byte) { return keep(byte) }
        switch (byte, expected) {
        case (UInt8(ascii: "{"), .value), (UInt8(ascii: "{"), .valueOrEnd): open(isObject: true, byte)
        case (UInt8(ascii: "["), .value), (UInt8(ascii: "["), .valueOrEnd): open(isObject: false, byte)
        case (UInt8(ascii: "}"), .nameOrEnd), (UInt8(ascii: "]"), .valueOrEnd): close(byte, &found)
        case (UInt8(ascii: "}"), .commaOrEnd), (UInt8(ascii: "]"), .commaOrEnd): close(byte, &found)
        case (UInt8(ascii: "\""), .value), (UInt8(ascii: "\""), .valueOrEnd):
            begin()
            keep(byte)
            string = .value
        case (UInt8(ascii: "\""), .name), (UInt8(ascii: "\""), .nameOrEnd):
            keep(byte)
            key.removeAll(keepingCapacity: true)
            string = .key
        case (UInt8(ascii: ":"), .colon):
            keep(byte)
            expected = .value
        case (UInt8(ascii: ","), .commaOrEnd):
            keep(byte)
            expected = stack.last?.isObject == true ? .name : .value
        case (UInt8(ascii: "a")...UInt8(ascii: "z"), .value), (UInt8(ascii: "a")...UInt8(ascii: "z"), .valueOrEnd),
            (UInt8(ascii: "0")...UInt8(ascii: "9"), .value), (UInt8(ascii: "0")...UInt8(ascii: "9"), .valueOrEnd),
            (UInt8(ascii: "-"), .value), (UInt8(ascii: "-"), .valueOrEnd):
            begin()
            keep(byte)
            expected = .literal
        default:
            failure = (line, expected == .nothing ? "there is text behind the document" : "the JSON is not well-formed")
        }
    }

    private mutating func takeString(_ byte: UInt8, _ kind: StringKind, _ found: inout [Record]) {
        keep(byte)
        if kind == .key, isEscaped || byte != UInt8(ascii: "\""), key.count < 256 { key.append(byte) }
        if isEscaped {
            isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
            isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
            string = nil
            if kind == .key {
                expected = .colon
                noteName()
            } else {
                endValue(&found)
            }
        }
    }

    private mutating func noteName() {
        if stack.count == 3, !stack[1].isObject, elementNames.count < 100 { elementNames.append(String(decoding: key, as: UTF8.self)) }
        guard stack.count <= 2, topNames.count < 100 else { return }
        topNames.append((stack.count == 2 ? "/" : "") + String(decoding: key, as: UTF8.self))
    }

    private mutating func keep(_ byte: UInt8) {
        guard let open = capture, !open.isOversized else { return }
        if open.bytes.count == maxRecord {
            capture?.isOversized = true
            capture?.bytes = []
        } else {
            capture?.bytes.append(byte)
        }
    }

    // MARK: - Values

    /// Paths that go through the value that begins now.
    private func candidates() -> UInt32 {
        guard let frame = stack.last else { return paths.isEmpty ? 0 : (paths.count == 32 ? .max : (1 << UInt32(paths.count)) - 1) }
        guard frame.candidates != 0 else { return 0 }
        let level = stack.count - 1
        var mask: UInt32 = 0
        for (index, path) in paths.enumerated() where frame.candidates & (1 << UInt32(index)) != 0 && path.count > level {
            let isSame = frame.isObject ? path[level] == "{}" || path[level].utf8.elementsEqual(key) : path[level] == "*"
            if isSame { mask |= 1 << UInt32(index) }
        }
        return mask
    }

    /// A value begins; if it is a record its bytes are kept from here on.
    @discardableResult
    private mutating func begin() -> UInt32 {
        let mask = candidates()
        guard capture == nil, mask != 0 else { return mask }
        for (index, path) in paths.enumerated() where mask & (1 << UInt32(index)) != 0 && path.count == stack.count {
            capture = Capture(path: index, line: line, depth: stack.count)
            break
        }
        return mask
    }

    private mutating func open(isObject: Bool, _ byte: UInt8) {
        let mask = begin()
        keep(byte)
        guard stack.count < maxDepth else {
            isTooDeep = true
            return
        }
        stack.append(Frame(isObject: isObject, candidates: mask))
        expected = isObject ? .nameOrEnd : .valueOrEnd
    }

    private mutating func close(_ byte: UInt8, _ found: inout [Record]) {
        guard let frame = stack.popLast(), frame.isObject == (byte == UInt8(ascii: "}")) else {
            failure = (line, "a bracket closes what it did not open")
            return
        }
        keep(byte)
        endValue(&found)
    }

    private mutating func endValue(_ found: inout [Record]) {
        expected = stack.isEmpty ? .nothing : .commaOrEnd
        guard let done = capture, done.depth == stack.count else { return }
        capture = nil
        if done.isOversized { oversized.append(done.line) } else { found.append(Record(path: done.path, bytes: done.bytes, line: done.line)) }
    }
}
