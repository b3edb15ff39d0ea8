/// How large a picture says it is, from the beginning of its file.
enum ImageHeader {
    /// `nil` where the header says none, or not in the bytes that are given.
    static func size(of head: [UInt8], _ magic: Magic?) -> PixelSize? {
        var bytes = HeaderBytes(head)
        let size: PixelSize? =
            switch magic {
            case .png: png(&bytes)
            case .gif: gif(&bytes)
            case .jpeg: jpeg(&bytes)
            case .webp: webp(&bytes)
            default: nil
            }
        return size?.isEmpty == false ? size : nil
    }

    /// PNG (third edition), 11.2.1: IHDR is the first chunk.
    private static func png(_ bytes: inout HeaderBytes) -> PixelSize? {
        bytes.skip(12)
        guard bytes.text(4) == "IHDR", let width = bytes.big(4), let height = bytes.big(4) else { return nil }
        return PixelSize(width, height)
    }

    /// GIF89a, section 18: the logical screen.
    private static func gif(_ bytes: inout HeaderBytes) -> PixelSize? {
        bytes.skip(6)
        guard let width = bytes.little(2), let height = bytes.little(2) else { return nil }
        return PixelSize(width, height)
    }

    /// ITU T.81, B.2.2: the first start of frame, behind any number of other segments.
    private static func jpeg(_ bytes: inout HeaderBytes) -> PixelSize? {
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
                return PixelSize(width, height)
            // The scan, or the end, before any frame.
            case 0x00, 0xD9, 0xDA: return nil
            default:
                guard let length = bytes.big(2), length >= 2 else { return nil }
                bytes.skip(Int(length) - 2)
            }
        }
    }

    /// WebP container (RFC 9649, section 2): simple lossy, simple lossless, extended.
    private static func webp(_ bytes: inout HeaderBytes) -> PixelSize? {
        bytes.skip(12)
        let chunk = bytes.text(4)
        bytes.skip(4)
        switch chunk {
        case "VP8 ":
            // RFC 6386, section 9.1: three bytes of tag, the start code, 14 bits each.
            bytes.skip(3)
            guard bytes.big(3) == 0x9D012A, let width = bytes.little(2), let height = bytes.little(2) else { return nil }
            return PixelSize(width & 0x3FFF, height & 0x3FFF)
        case "VP8L":
            guard bytes.big(1) == 0x2F, let bits = bytes.little(4) else { return nil }
            return PixelSize((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
        case "VP8X":
            bytes.skip(4)
            guard let width = bytes.little(3), let height = bytes.little(3) else { return nil }
            return PixelSize(width + 1, height + 1)
        default: return nil
        }
    }
}
