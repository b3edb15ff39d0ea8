/// What an MP4 or QuickTime file says of its tracks (ISO/IEC 14496-12: 4.2 boxes, 8.2.1 `moov`, 8.3.2 `tkhd`, 8.5.2 `stsd`; Apple, "QuickTime File Format").
///
/// Only the boxes on the way to a track's sizes are entered, whatever is in the others, so the depth is that of this file and not of the input. The first
/// `moov` counts, as it does for players, wherever it stands.
struct MP4Header {
    private let file: FileBytes
    private var parts = 0

    private struct Box {
        let type: String
        let content: Range<Int64>
        let end: Int64
    }

    /// A box that is none; what is behind it cannot be found.
    private struct Damage: Error {}

    /// - Returns: `nil` when there is no `moov`, no track in it, or it is damaged.
    static func recording(in file: FileBytes) -> Recording? {
        var header = MP4Header(file: file)
        return try? header.recording()
    }

    private init(file: FileBytes) { self.file = file }

    private mutating func recording() throws(Damage) -> Recording? {
        var start: Int64 = 0
        while let box = try box(at: start, in: 0..<file.count) {
            // What is cut off behind the tracks can still be played; what is cut off within them cannot.
            guard box.end <= file.count else { return nil }
            if box.type == "moov" { return try tracks(of: box) }
            start = box.end
        }
        return nil
    }

    private mutating func tracks(of movie: Box) throws(Damage) -> Recording? {
        var recording: Recording?
        for track in try children(of: movie) where track.type == "trak" {
            let parts = try children(of: track)
            guard let header = parts.first(where: { $0.type == "tkhd" }) else { throw Damage() }
            recording = recording ?? Recording()
            recording?.add(try trackSize(header))
            for media in parts where media.type == "mdia" { recording?.add(try mediaSize(media)) }
        }
        return recording
    }

    /// How large the track is shown, in 16.16.
    private func trackSize(_ box: Box) throws(Damage) -> PixelSize {
        var bytes = HeaderBytes(file.bytes(of: box.content, 96))
        guard let version = bytes.big(1), version < 2 else { throw Damage() }
        // Flags, times and id; then layer, volume and matrix.
        bytes.skip(3 + (version == 0 ? 20 : 32) + 52)
        guard let width = bytes.big(4), let height = bytes.big(4) else { throw Damage() }
        return PixelSize(width >> 16, height >> 16)
    }

    /// How large the largest of a video track's pictures are stored: what `tkhd` says may be smaller.
    private mutating func mediaSize(_ media: Box) throws(Damage) -> PixelSize? {
        let boxes = try children(of: media)
        guard let handler = boxes.first(where: { $0.type == "hdlr" }) else { throw Damage() }
        var bytes = HeaderBytes(file.bytes(of: handler.content, 12))
        bytes.skip(8)
        guard ["vide", "auxv", "pict"].contains(bytes.text(4)) else { return nil }
        var found = Recording()
        for information in boxes where information.type == "minf" {
            for table in try children(of: information) where table.type == "stbl" {
                for descriptions in try children(of: table) where descriptions.type == "stsd" {
                    // Version, flags and the number of entries stand before the first.
                    let entries = Box(
                        type: "", content: min(descriptions.content.lowerBound + 8, descriptions.end)..<descriptions.end, end: descriptions.end)
                    for entry in try children(of: entries) {
                        var bytes = HeaderBytes(file.bytes(of: entry.content, 28))
                        bytes.skip(24)
                        guard let width = bytes.big(2), let height = bytes.big(2) else { throw Damage() }
                        found.add(PixelSize(width, height))
                    }
                }
            }
        }
        return found.size
    }

    private mutating func children(of parent: Box) throws(Damage) -> [Box] {
        var found: [Box] = []
        var start = parent.content.lowerBound
        while let box = try box(at: start, in: parent.content) {
            guard box.end <= parent.end else { throw Damage() }
            found.append(box)
            start = box.end
        }
        return found
    }

    /// - Returns: `nil` at the end of `parent`, and where what is left of it is too short to be a box: QuickTime ends lists with four zeros.
    private mutating func box(at start: Int64, in parent: Range<Int64>) throws(Damage) -> Box? {
        guard start <= parent.upperBound - 8 else { return nil }
        guard parts < FileBytes.mostParts else { throw Damage() }
        parts += 1
        var bytes = HeaderBytes(file.bytes(of: start..<parent.upperBound, 16))
        guard let short = bytes.big(4), let type = bytes.text(4) else { throw Damage() }
        var length: UInt64
        var header: Int64 = 8
        switch short {
        // To the end of what it is in.
        case 0: length = UInt64(parent.upperBound - start)
        case 1:
            guard let long = bytes.long(8) else { throw Damage() }
            length = long
            header = 16
        default: length = UInt64(short)
        }
        guard length >= UInt64(header), let length = Int64(exactly: length) else { throw Damage() }
        let (end, isTooFar) = start.addingReportingOverflow(length)
        guard !isTooFar else { throw Damage() }
        return Box(type: type, content: (start + header)..<end, end: end)
    }
}
