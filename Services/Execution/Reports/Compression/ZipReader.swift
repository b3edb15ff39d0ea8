import CZlib
import Primitives

/// Reads a zip archive (PKWARE APPNOTE 6.3) from front to back as its bytes arrive, without ever holding an entry as a whole.
///
/// Sizes are counted while inflating, never believed. An archive that only an attacker or a broken tool makes is refused: names that lead out of a folder,
/// links and devices, two entries of one name, entries that the directory at the end tells otherwise. Entries inside of entries are not opened.
final class ZipReader {
    enum Event {
        case entry(name: String)
        case data(Int)
        case endOfEntry
        /// More bytes are needed.
        case needsMore
    }

    private let file: String
    private let maxEntries: Int
    private var state = State.header
    private var entry: Entry?
    /// By name: what was read of each.
    private var seen: [String: Seen] = [:]
    /// The directory at the end has begun: whoever has read so far has all entries.
    private(set) var isComplete = false

    private enum State { case header, body, descriptor, directory, over }

    private struct Seen {
        let size: UInt64
        let checksum: UInt32
    }

    private struct Entry {
        let name: String
        let isStored: Bool
        /// Of a stored entry: bytes that are left.
        var left: UInt64
        let hasDescriptor: Bool
        let isZip64: Bool
        let expectedChecksum: UInt32
        let inflater: RawInflater?
        var size: UInt64 = 0
        var checksum: UInt = 0
    }

    init(file: String, maxEntries: Int) {
        self.file = file
        self.maxEntries = maxEntries
    }

    /// Takes the next step.
    /// - Returns: how many bytes were taken, and what they were.
    /// - Throws: `upload.zip_corrupt`, `upload.zip_forbidden`, `upload.too_large`.
    func step(_ input: UnsafeBufferPointer<UInt8>, into output: UnsafeMutableBufferPointer<UInt8>) throws(Fault) -> (consumed: Int, event: Event) {
        switch state {
        case .header: return try readHeader(input)
        case .body: return try readBody(input, into: output)
        case .descriptor: return try readDescriptor(input)
        case .directory: return try readDirectory(input)
        case .over: return (input.count, .needsMore)
        }
    }

    // MARK: - Entries

    private func readHeader(_ input: UnsafeBufferPointer<UInt8>) throws(Fault) -> (Int, Event) {
        guard input.count >= 4 else { return (0, .needsMore) }
        switch Self.u32(input, 0) {
        case 0x0403_4B50: break
        case 0x0201_4B50, 0x0605_4B50, 0x0606_4B50, 0x0807_4B50:
            isComplete = true
            state = .directory
            return (0, .data(0))
        default: throw corrupt("an entry does not begin where the one before it ends")
        }
        guard input.count >= 30 else { return (0, .needsMore) }
        let (flags, method) = (Self.u16(input, 6), Self.u16(input, 8))
        let (nameLength, extraLength) = (Int(Self.u16(input, 26)), Int(Self.u16(input, 28)))
        guard input.count >= 30 + nameLength + extraLength else { return (0, .needsMore) }
        let name = Excerpt.of(UnsafeBufferPointer(rebasing: input[30..<30 + nameLength]), limit: 4096)
        try check(name)
        guard flags & 1 == 0 else { throw .zipForbidden(file, "the entry \(name) is encrypted") }
        guard method == 0 || method == 8 else { throw .zipForbidden(file, "the entry \(name) is packed by method \(method); only deflate is read") }
        let hasDescriptor = flags & 8 != 0
        guard method == 8 || !hasDescriptor else { throw .zipForbidden(file, "the entry \(name) is stored without its size") }
        let extra = UnsafeBufferPointer(rebasing: input[(30 + nameLength)..<(30 + nameLength + extraLength)])
        let zip64 = Self.zip64(extra)
        var size = UInt64(Self.u32(input, 18))
        if size == 0xFFFF_FFFF, let zip64, zip64.count >= 2 { size = zip64[1] }
        guard seen[name] == nil else { throw .zipForbidden(file, "two entries have the name \(name)") }
        guard seen.count < maxEntries else { throw .uploadTooLarge("more than \(maxEntries) entries in an archive") }
        entry = Entry(
            name: name, isStored: method == 0, left: size, hasDescriptor: hasDescriptor, isZip64: zip64 != nil, expectedChecksum: Self.u32(input, 14),
            inflater: method == 8 ? RawInflater() : nil, checksum: crc32(0, nil, 0))
        state = .body
        return (30 + nameLength + extraLength, .entry(name: name))
    }

    /// Names are never used as paths; those that try to be are refused all the same.
    private func check(_ name: String) throws(Fault) {
        let parts = name.split { $0 == "/" || $0 == "\\" }
        guard !name.isEmpty, !name.hasPrefix("/"), !name.hasPrefix("\\"), !parts.contains(".."), !name.dropFirst().hasPrefix(":"),
            !name.unicodeScalars.contains(where: { $0.value < 0x20 })
        else { throw .zipForbidden(file, "an entry has the name \(Excerpt.of(name, limit: 200))") }
    }

    private func readBody(_ input: UnsafeBufferPointer<UInt8>, into output: UnsafeMutableBufferPointer<UInt8>) throws(Fault) -> (Int, Event) {
        guard var current = entry, let target = output.baseAddress else { return (0, .needsMore) }
        var (consumed, produced) = (0, 0)
        if current.isStored {
            produced = min(Int(clamping: current.left), input.count, output.count)
            if let source = input.baseAddress, produced > 0 { target.update(from: source, count: produced) }
            consumed = produced
            current.left -= UInt64(produced)
            if produced == 0, current.left > 0 { return (0, .needsMore) }
        } else if let inflater = current.inflater {
            guard let step = inflater.inflate(input, into: output) else { throw corrupt("the entry \(current.name) is damaged") }
            (consumed, produced) = step
            if produced == 0, !inflater.isOver { return (consumed, .needsMore) }
        }
        current.checksum = crc32(current.checksum, target, UInt32(produced))
        current.size += UInt64(produced)
        entry = current
        if current.isStored ? current.left == 0 : current.inflater?.isOver == true {
            state = .descriptor
        }
        return (consumed, .data(produced))
    }

    private func readDescriptor(_ input: UnsafeBufferPointer<UInt8>) throws(Fault) -> (Int, Event) {
        guard let done = entry else { return (0, .needsMore) }
        var consumed = 0
        var checksum = done.expectedChecksum
        if done.hasDescriptor {
            // With or without a signature, sizes of four or eight bytes.
            let length = done.isZip64 ? 20 : 12
            guard input.count >= length + 4 else { return (0, .needsMore) }
            let signature = Self.u32(input, 0) == 0x0807_4B50 ? 4 : 0
            checksum = Self.u32(input, signature)
            consumed = signature + length
        }
        guard UInt32(truncatingIfNeeded: done.checksum) == checksum else { throw corrupt("the entry \(done.name) has another checksum than it says") }
        seen[done.name] = Seen(size: done.size, checksum: checksum)
        entry = nil
        state = .header
        return (consumed, .endOfEntry)
    }

    // MARK: - The directory

    /// Says of each entry what it is in the file system it comes from, and how large.
    private func readDirectory(_ input: UnsafeBufferPointer<UInt8>) throws(Fault) -> (Int, Event) {
        guard input.count >= 4 else { return (0, .needsMore) }
        guard Self.u32(input, 0) == 0x0201_4B50 else {
            state = .over
            return (input.count, .needsMore)
        }
        guard input.count >= 46 else { return (0, .needsMore) }
        let nameLength = Int(Self.u16(input, 28))
        let length = 46 + nameLength + Int(Self.u16(input, 30)) + Int(Self.u16(input, 32))
        guard input.count >= length else { return (0, .needsMore) }
        let name = Excerpt.of(UnsafeBufferPointer(rebasing: input[46..<46 + nameLength]), limit: 4096)
        let mode = Self.u32(input, 38) >> 16 & 0xF000
        guard mode == 0 || mode == 0x8000 || mode == 0x4000 else { throw .zipForbidden(file, "the entry \(name) is a link or a device") }
        guard let found = seen[name] else { throw .zipForbidden(file, "the directory names \(name), which is not in the archive") }
        let size = Self.u32(input, 24)
        guard found.checksum == Self.u32(input, 16), size == 0xFFFF_FFFF || UInt64(size) == found.size else {
            throw .zipForbidden(file, "the directory tells \(name) otherwise than the entry itself")
        }
        return (length, .data(0))
    }

    // MARK: - Values

    private func corrupt(_ what: String) -> Fault { .zipCorrupt(file, what) }

    private static func u16(_ bytes: UnsafeBufferPointer<UInt8>, _ at: Int) -> UInt16 { UInt16(bytes[at]) | UInt16(bytes[at + 1]) << 8 }
    private static func u32(_ bytes: UnsafeBufferPointer<UInt8>, _ at: Int) -> UInt32 { UInt32(u16(bytes, at)) | UInt32(u16(bytes, at + 2)) << 16 }

    /// The eight-byte numbers of the zip64 extra field: size, packed size.
    private static func zip64(_ extra: UnsafeBufferPointer<UInt8>) -> [UInt64]? {
        var at = 0
        while at + 4 <= extra.count {
            let length = Int(u16(extra, at + 2))
            guard at + 4 + length <= extra.count else { return nil }
            if u16(extra, at) == 1 {
                return stride(from: at + 4, to: at + 4 + length / 8 * 8, by: 8).map { UInt64(u32(extra, $0)) | UInt64(u32(extra, $0 + 4)) << 32 }
            }
            at += 4 + length
        }
        return nil
    }
}
