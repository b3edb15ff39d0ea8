import Foundation
import NIOCore
import Primitives

/// Reads `multipart/form-data` (RFC 7578, RFC 2046) as it arrives, in pieces of any size, holding no more than a delimiter or one part's headers.
///
/// Feed bytes with `append`, take events with `next` until it answers nil, and call `finish` at the end of the body. It never waits and knows
/// no network, so tests split bodies at every byte.
struct MultipartParser: Sendable {
    static let maxParts = 1_000
    /// Headers of one part, and what may stand before the first part or after a delimiter.
    static let maxHeaderBytes = 8_192

    enum Event: Equatable, Sendable {
        case part(MultipartHeaders)
        case data(ByteBuffer)
        case endOfPart
        /// The closing delimiter; whatever follows is ignored.
        case end
    }

    private enum State { case preamble, afterDelimiter, headers, body, done }

    private let delimiter: [UInt8]
    private var state = State.preamble
    private var buffer: ByteBuffer
    private var parts = 0
    /// Bytes of preamble or of padding after a delimiter so far.
    private var idle = 0

    init(boundary: String) {
        delimiter = Array("\r\n--\(boundary)".utf8)
        // The first delimiter need not follow a line break; this makes it look as if it did.
        buffer = ByteBuffer(string: "\r\n")
    }

    mutating func append(_ bytes: ByteBuffer) {
        guard state != .done else { return }
        var bytes = bytes
        buffer.discardReadBytes()
        buffer.writeBuffer(&bytes)
    }

    /// The next event, `nil` when more bytes are needed.
    /// - Throws: `upload.malformed_multipart`, `upload.too_many_parts`.
    mutating func next() throws(Fault) -> Event? {
        while true {
            switch state {
            case .done: return nil
            case .preamble:
                let (found, dropped) = dropUntilDelimiter()
                idle += dropped
                guard idle <= Self.maxHeaderBytes else { throw .multipart("The first delimiter is missing.") }
                guard found else { return nil }
                state = .afterDelimiter
            case .afterDelimiter:
                guard let isLast = try afterDelimiter() else { return nil }
                if isLast { return .end }
            case .headers:
                guard let headers = try headers() else { return nil }
                parts += 1
                guard parts <= Self.maxParts else {
                    throw Fault(.invalid, "upload.too_many_parts", "A multipart body can have at most \(Self.maxParts) parts.")
                }
                state = .body
                return .part(headers)
            case .body:
                return body()
            }
        }
    }

    /// - Throws: `upload.malformed_multipart` when the closing delimiter has not come.
    func finish() throws(Fault) {
        guard state == .done else { throw .multipart("The body ends before its closing delimiter.") }
    }

    // MARK: - States

    /// What follows a delimiter: `--` at the end of all, else spaces and a line break.
    /// - Returns: whether it was the last one, `nil` when more bytes are needed.
    private mutating func afterDelimiter() throws(Fault) -> Bool? {
        while let byte: UInt8 = buffer.getInteger(at: buffer.readerIndex), byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") {
            idle += 1
            guard idle <= Self.maxHeaderBytes else { throw .multipart("A delimiter is followed by too much space.") }
            buffer.moveReaderIndex(forwardBy: 1)
        }
        guard let pair: UInt16 = buffer.readInteger() else { return nil }
        switch pair {
        case 0x2D2D:
            state = .done
            buffer.clear()
            return true
        case 0x0D0A:
            state = .headers
            return false
        default: throw .multipart("A delimiter is followed by neither a line break nor two hyphens.")
        }
    }

    /// Header lines up to the empty one, `nil` when more bytes are needed.
    private mutating func headers() throws(Fault) -> MultipartHeaders? {
        let (length, skipped) = buffer.withUnsafeReadableBytes { bytes -> (Int?, Int) in
            if bytes.starts(with: [13, 10]) { return (0, 2) }
            return (Self.firstIndex(of: [13, 10, 13, 10], in: bytes), 4)
        }
        guard (length ?? buffer.readableBytes) <= Self.maxHeaderBytes else {
            throw .multipart("The headers of a part are longer than \(Self.maxHeaderBytes) bytes.")
        }
        guard let length, let bytes = buffer.readBytes(length: length) else { return nil }
        buffer.moveReaderIndex(forwardBy: skipped)
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .multipart("The headers of a part are not UTF-8.") }
        return try MultipartHeaders(text)
    }

    private mutating func body() -> Event? {
        let (index, isMaybe) = delimiterIndex()
        if let index, index > 0 { return buffer.readSlice(length: index).map { .data($0) } }
        guard index == 0, !isMaybe else { return nil }
        buffer.moveReaderIndex(forwardBy: delimiter.count)
        state = .afterDelimiter
        idle = 0
        return .endOfPart
    }

    // MARK: - Search

    /// Where a delimiter, or the beginning of one that may go on in the next bytes, stands: `nil` when nothing is readable.
    /// Bytes before that index are content for sure.
    private func delimiterIndex() -> (index: Int?, isMaybe: Bool) {
        buffer.withUnsafeReadableBytes { bytes in
            guard !bytes.isEmpty else { return (nil, true) }
            var start = 0
            while let position = Self.firstIndex(of: 13, in: bytes, from: start) {
                let rest = bytes[position...].prefix(delimiter.count)
                if delimiter.starts(with: rest) { return (position, rest.count < delimiter.count) }
                start = position + 1
            }
            return (bytes.count, true)
        }
    }

    private mutating func dropUntilDelimiter() -> (found: Bool, dropped: Int) {
        let (index, isMaybe) = delimiterIndex()
        buffer.moveReaderIndex(forwardBy: index ?? 0)
        guard !isMaybe else { return (false, index ?? 0) }
        buffer.moveReaderIndex(forwardBy: delimiter.count)
        return (true, index ?? 0)
    }

    private static func firstIndex(of byte: UInt8, in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        guard start < bytes.count, let first = bytes.baseAddress, let found = memchr(first + start, Int32(byte), bytes.count - start) else {
            return nil
        }
        return UnsafeRawPointer(found) - first
    }

    private static func firstIndex(of pattern: [UInt8], in bytes: UnsafeRawBufferPointer) -> Int? {
        var start = 0
        while let position = firstIndex(of: pattern[0], in: bytes, from: start) {
            if bytes[position...].starts(with: pattern) { return position }
            start = position + 1
        }
        return nil
    }
}
