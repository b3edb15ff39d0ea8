import Foundation

/// Cuts a log into pieces of whole lines. Which lines are in which piece depends on the log alone: a line is in the piece in which it begins, so any
/// piece can be read by itself, again, in any order.
enum LogWindow {
    /// Of a piece, and of what is read behind it for the end of its last line; more of a line nobody reads.
    static let piece = 1 << 20
    static let beyond = 2 << 10
    /// Of a log, in bytes: the rest of a longer one is not read.
    static let most: Int64 = 64 << 20

    /// Bytes that say what is in a piece: the one before it tells whether a line begins with it.
    /// - Returns: `nil` behind the last one.
    static func range(of number: Int, bytes: Int64) -> Range<Int64>? {
        let start = Int64(number) * Int64(piece)
        guard start < min(bytes, most) else { return nil }
        return max(0, start - 1)..<min(start + Int64(piece + beyond), bytes)
    }

    /// - Parameter data: of `range(of:bytes:)`.
    static func lines(_ data: Data, of number: Int) -> Data {
        let newline = UInt8(ascii: "\n")
        let begin = data.startIndex + (number == 0 ? 0 : 1)
        let limit = begin + piece
        var start = begin
        if number > 0 {
            guard let end = data.firstIndex(of: newline) else { return Data() }
            start = end + 1
        }
        guard start < min(limit, data.endIndex) else { return Data() }
        guard limit <= data.endIndex else { return data[start...] }
        let end = data[(limit - 1)...].firstIndex(of: newline) ?? data.endIndex
        return data[start..<end]
    }
}
