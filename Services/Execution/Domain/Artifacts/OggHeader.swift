/// What an Ogg file says of its streams: each begins with a page of its own before any other (RFC 3533, sections 4 and 6). Of what has pictures Theora alone
/// is in use (Theora Specification, 6.2: the identification header).
struct OggHeader {
    /// - Returns: `nil` when it does not begin with a stream.
    static func recording(in file: FileBytes) -> Recording? {
        var recording: Recording?
        var start: Int64 = 0
        for _ in 0..<FileBytes.mostParts {
            var page = HeaderBytes(file.bytes(from: start, 27))
            guard page.text(4) == "OggS", page.big(1) == 0, let flags = page.big(1) else { return recording }
            page.skip(20)
            // The first of a stream has bit 1; behind those pages there are no other streams.
            guard flags & 2 != 0, let segments = page.big(1) else { return recording }
            let table = file.bytes(from: start + 27, Int(segments))
            guard table.count == Int(segments) else { return recording }
            let content = start + 27 + Int64(segments)
            recording = recording ?? Recording()
            recording?.add(theora(file.bytes(from: content, 42)))
            start = content + table.reduce(0) { $0 + Int64($1) }
        }
        return recording
    }

    private static func theora(_ bytes: [UInt8]) -> PixelSize? {
        var packet = HeaderBytes(bytes)
        guard packet.big(1) == 0x80, packet.text(6) == "theora" else { return nil }
        packet.skip(3)
        // In blocks of 16 by 16: what is decoded, of which the picture is a part.
        guard let width = packet.big(2), let height = packet.big(2) else { return nil }
        return PixelSize(width * 16, height * 16)
    }
}
