/// How large a picture says it is, read from its header without decoding anything: a file of some hundred bytes can claim 100,000 by 100,000 pixels, and
/// whoever displays it would need the memory for them (T88).
struct ImageSize: Equatable, Sendable {
    /// A screenshot of an 8K display has 33 million.
    static let mostPixels: Int64 = 40_000_000

    let width: Int32
    let height: Int32

    var isTooLarge: Bool { Int64(width) * Int64(height) > Self.mostPixels }

    /// `nil` where the header says none, or not in the bytes that are given.
    static func of(_ head: [UInt8], _ magic: Magic?) -> ImageSize? {
        var bytes = HeaderBytes(head)
        let size: ImageSize? =
            switch magic {
            case .png: png(&bytes)
            case .gif: gif(&bytes)
            case .jpeg: jpeg(&bytes)
            case .webp: webp(&bytes)
            default: nil
            }
        guard let size, size.width > 0, size.height > 0 else { return nil }
        return size
    }

    /// PNG (third edition), 11.2.1: IHDR is the first chunk.
    private static func png(_ bytes: inout HeaderBytes) -> ImageSize? {
        bytes.skip(12)
        guard bytes.text(4) == "IHDR", let width = bytes.big(4), let height = bytes.big(4) else { return nil }
        return ImageSize(width, height)
    }

    /// GIF89a, section 18: the logical screen.
    private static func gif(_ bytes: inout HeaderBytes) -> ImageSize? {
        bytes.skip(6)
        guard let width = bytes.little(2), let height = bytes.little(2) else { return nil }
        return ImageSize(width, height)
    }

    /// ITU T.81, B.2.2: the first start of frame, behind any number of other segments.
    private static func jpeg(_ bytes: inout HeaderBytes) -> ImageSize? {
        bytes.skip(2)
        while true {
            guard bytes.big(1) == 0xFF else { return nil }
            var marker = bytes.big(1)
            // Any number of FF may fill the space before a marker.
            while marker == 0xFF { marker = bytes.big(1) }
            guard let marker else { return nil }
            switch marker {
            case 0x01, 0xD0...0xD7: continue
            // C4, C8 and CC are tables and an extension, all others of C0 to CF begin a frame.
            case 0xC0...0xCF where ![0xC4, 0xC8, 0xCC].contains(marker):
                bytes.skip(3)
                guard let height = bytes.big(2), let width = bytes.big(2) else { return nil }
                return ImageSize(width, height)
            // The scan, or the end, before any frame.
            case 0x00, 0xD9, 0xDA: return nil
            default:
                guard let length = bytes.big(2), length >= 2 else { return nil }
                bytes.skip(Int(length) - 2)
            }
        }
    }

    /// WebP container (RFC 9649, section 2): simple lossy, simple lossless, extended.
    private static func webp(_ bytes: inout HeaderBytes) -> ImageSize? {
        bytes.skip(12)
        let chunk = bytes.text(4)
        bytes.skip(4)
        switch chunk {
        case "VP8 ":
            // RFC 6386, section 9.1: three bytes of tag, the start code, 14 bits each.
            bytes.skip(3)
            guard bytes.big(3) == 0x9D012A, let width = bytes.little(2), let height = bytes.little(2) else { return nil }
            return ImageSize(width & 0x3FFF, height & 0x3FFF)
        case "VP8L":
            guard bytes.big(1) == 0x2F, let bits = bytes.little(4) else { return nil }
            return ImageSize((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
        case "VP8X":
            bytes.skip(4)
            guard let width = bytes.little(3), let height = bytes.little(3) else { return nil }
            return ImageSize(width + 1, height + 1)
        default: return nil
        }
    }

    private init(_ width: UInt32, _ height: UInt32) {
        self.init(width: Int32(clamping: width), height: Int32(clamping: height))
    }

    init(width: Int32, height: Int32) {
        self.width = width
        self.height = height
    }
}

/// The beginning of a file, read from front to back; behind its end everything is `nil`.
private struct HeaderBytes {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    mutating func skip(_ count: Int) { rest = rest.dropFirst(count) }

    mutating func big(_ count: Int) -> UInt32? { take(count)?.reduce(0) { $0 << 8 | UInt32($1) } }

    mutating func little(_ count: Int) -> UInt32? { take(count)?.reversed().reduce(0) { $0 << 8 | UInt32($1) } }

    mutating func text(_ count: Int) -> String? { take(count).map { String(decoding: $0, as: UTF8.self) } }

    private mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
        guard rest.count >= count else { return nil }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }
}
