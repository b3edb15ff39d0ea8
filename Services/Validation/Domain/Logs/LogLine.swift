/// A line as it is read: without what only moves a terminal's cursor or colours its text (ECMA-48), without what was written over.
enum LogLine {
    private static let escape: UInt8 = 0x1B
    private static let bell: UInt8 = 0x07

    /// - Returns: `nil` for a line that is no text: it holds a NUL.
    static func cleaned(_ line: UnsafeBufferPointer<UInt8>, into buffer: inout [UInt8]) -> Bool {
        buffer.removeAll(keepingCapacity: true)
        var place = 0
        while place < line.count, buffer.count < LogBounds.line {
            let byte = line[place]
            switch byte {
            case 0: return false
            case escape: place = behindEscape(line, at: place)
            case 0x0D:
                // A bar of progress writes over itself; what was written last stands.
                if place + 1 < line.count { buffer.removeAll(keepingCapacity: true) }
                place += 1
            default:
                buffer.append(byte < 0x20 ? 0x20 : byte)
                place += 1
            }
        }
        while let last = buffer.last, last == 0x20 { buffer.removeLast() }
        return true
    }

    /// Control sequences (`ESC [ … letter`), commands (`ESC ] … BEL`), and what has one character more.
    private static func behindEscape(_ line: UnsafeBufferPointer<UInt8>, at start: Int) -> Int {
        guard start + 1 < line.count else { return line.count }
        var place = start + 2
        switch line[start + 1] {
        case UInt8(ascii: "["):
            while place < line.count, !(0x40...0x7E).contains(line[place]) { place += 1 }
            return min(place + 1, line.count)
        case UInt8(ascii: "]"):
            while place < line.count, line[place] != bell, line[place] != escape { place += 1 }
            guard place < line.count else { return place }
            return min(line[place] == escape ? place + 2 : place + 1, line.count)
        default:
            return place
        }
    }
}
