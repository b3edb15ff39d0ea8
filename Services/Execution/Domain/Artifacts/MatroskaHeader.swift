/// What a WebM or Matroska file says of its tracks (RFC 8794, EBML; RFC 9559, sections 5.1.4 `Tracks` and 11.1 on sizes that are not known).
///
/// Only the elements on the way to a track's sizes are entered, whatever is in the others, so the depth is that of this file and not of the input. Tracks
/// stand before the first cluster, as every tool writes them; the first `Tracks` counts.
struct MatroskaHeader {
    private let file: FileBytes
    private var parts = 0

    private struct Element {
        let id: UInt32
        let content: Range<Int64>
        /// Until something that cannot be in it; here, until the end of the file.
        let isOpen: Bool
    }

    /// What is no element; whatever is behind it cannot be found.
    private struct Damage: Error {}

    private enum ID {
        static let ebml: UInt32 = 0x1A45_DFA3
        static let docType: UInt32 = 0x4282
        static let segment: UInt32 = 0x1853_8067
        static let tracks: UInt32 = 0x1654_AE6B
        static let cluster: UInt32 = 0x1F43_B675
        static let track: UInt32 = 0xAE
        static let video: UInt32 = 0xE0
        static let pixelWidth: UInt32 = 0xB0
        static let pixelHeight: UInt32 = 0xBA
        static let displayWidth: UInt32 = 0x54B0
        static let displayHeight: UInt32 = 0x54BA
        static let displayUnit: UInt32 = 0x54B2
    }

    /// - Returns: `nil` when there are no tracks, or what is before them is damaged.
    static func recording(in file: FileBytes) -> Recording? {
        var header = MatroskaHeader(file: file)
        return try? header.recording()
    }

    private init(file: FileBytes) { self.file = file }

    private mutating func recording() throws(Damage) -> Recording? {
        let whole = 0..<file.count
        guard let head = try element(at: 0, in: whole), head.id == ID.ebml, !head.isOpen else { return nil }
        guard try children(of: head).contains(where: { $0.id == ID.docType && Self.docTypes.contains(file.bytes(of: $0.content, 8)) }) else {
            return nil
        }
        // Between the two there may be elements without meaning.
        var start = head.content.upperBound
        while let element = try element(at: start, in: whole) {
            if element.id == ID.segment { return try tracks(of: element) }
            guard !element.isOpen else { return nil }
            start = element.content.upperBound
        }
        return nil
    }

    private static let docTypes = [Array("webm".utf8), Array("matroska".utf8)]

    private mutating func tracks(of segment: Element) throws(Damage) -> Recording? {
        var start = segment.content.lowerBound
        // A segment that is cut off can be played as far as it goes.
        while let element = try element(at: start, in: segment.content.clamped(to: 0..<file.count)) {
            if element.id == ID.tracks { return try recording(of: element) }
            guard element.id != ID.cluster, !element.isOpen else { return nil }
            start = element.content.upperBound
        }
        return nil
    }

    private mutating func recording(of tracks: Element) throws(Damage) -> Recording? {
        var recording: Recording?
        for track in try children(of: tracks) where track.id == ID.track {
            recording = recording ?? Recording()
            for video in try children(of: track) where video.id == ID.video {
                var numbers: [UInt32: UInt64] = [:]
                for element in try children(of: video) { numbers[element.id] = try number(element) }
                guard let width = numbers[ID.pixelWidth], let height = numbers[ID.pixelHeight] else { throw Damage() }
                recording?.add(PixelSize(width, height))
                // Units other than pixels are proportions.
                if numbers[ID.displayUnit, default: 0] == 0 {
                    recording?.add(PixelSize(numbers[ID.displayWidth] ?? width, numbers[ID.displayHeight] ?? height))
                }
            }
        }
        return recording
    }

    /// - Returns: `nil` for what is no number.
    private func number(_ element: Element) throws(Damage) -> UInt64? {
        guard [ID.pixelWidth, ID.pixelHeight, ID.displayWidth, ID.displayHeight, ID.displayUnit].contains(element.id) else { return nil }
        guard element.content.count <= 8 else { throw Damage() }
        var bytes = HeaderBytes(file.bytes(of: element.content, 8))
        guard let number = bytes.long(element.content.count) else { throw Damage() }
        return number
    }

    private mutating func children(of parent: Element) throws(Damage) -> [Element] {
        guard !parent.isOpen, parent.content.upperBound <= file.count else { throw Damage() }
        var found: [Element] = []
        var start = parent.content.lowerBound
        while let element = try element(at: start, in: parent.content) {
            guard !element.isOpen, element.content.upperBound <= parent.content.upperBound else { throw Damage() }
            found.append(element)
            start = element.content.upperBound
        }
        return found
    }

    /// - Returns: `nil` at the end of `parent`.
    private mutating func element(at start: Int64, in parent: Range<Int64>) throws(Damage) -> Element? {
        guard start < parent.upperBound else { return nil }
        guard parts < FileBytes.mostParts else { throw Damage() }
        parts += 1
        var bytes = HeaderBytes(file.bytes(of: start..<parent.upperBound, 12))
        let (id, idBytes, _) = try Self.vint(&bytes, most: 4, keepsMarker: true)
        let (length, lengthBytes, isUnknown) = try Self.vint(&bytes, most: 8, keepsMarker: false)
        let content = start + Int64(idBytes + lengthBytes)
        // 56 bits and an offset in a file: no overflow.
        let end = isUnknown ? max(content, parent.upperBound) : content + Int64(length)
        return Element(id: UInt32(id), content: content..<end, isOpen: isUnknown)
    }

    /// RFC 8794, section 4: as many zeros in front of the first one as further bytes; all ones for what is not known.
    private static func vint(_ bytes: inout HeaderBytes, most: Int, keepsMarker: Bool) throws(Damage) -> (
        value: UInt64, count: Int, isUnknown: Bool
    ) {
        guard let first = bytes.long(1), first > 0 else { throw Damage() }
        let count = UInt8(first).leadingZeroBitCount + 1
        guard count <= most, let rest = bytes.long(count - 1) else { throw Damage() }
        let whole = first << (8 * (count - 1)) | rest
        let ones = (UInt64(1) << (7 * count)) - 1
        return (keepsMarker ? whole : whole & ones, count, whole & ones == ones)
    }
}
