import Foundation
import Synchronization
import Testing

@testable import ExecutionService

@Suite("What a recording says of itself")
struct RecordingTests {
    // MARK: - Recordings that tools wrote

    @Test(
        "the size of a recording is read wherever its tool wrote it (T88)",
        arguments: [
            ("h264.mp4", "video/mp4", 320, 180), ("faststart.mp4", "video/mp4", 320, 180), ("fragmented.mp4", "video/mp4", 320, 180),
            ("sound.mp4", "video/mp4", 320, 180), ("wide.mov", "video/quicktime", 320, 180), ("vp8.webm", "video/webm", 320, 180),
            ("live.webm", "video/webm", 320, 180), ("piped.webm", "video/webm", 320, 180), ("sound.mkv", "video/x-matroska", 320, 180),
            ("theora.ogv", "video/ogg", 320, 192),
        ] as [(String, String, Int32, Int32)])
    func tools(file: String, type: String, width: Int32, height: Int32) throws {
        let bytes = Array(try Report.fixture("Recordings/\(file)"))
        #expect(bytes.count < 10 << 10)
        #expect(ArtifactKind(claimed: type, head: bytes) == ArtifactKind(mediaType: type, size: PixelSize(width: width, height: height)))
        // As it comes: its beginning alone is at hand, the rest is on the disk.
        let kind = ArtifactKind(claimed: type, head: Array(bytes.prefix(64)), file: FileBytes(bytes))
        #expect(kind.size == PixelSize(width: width, height: height))
        for (claimed, expected) in [("text/html", ArtifactKind.unknown), ("image/png", ArtifactKind.unknown)] {
            #expect(ArtifactKind(claimed: claimed, head: bytes) == ArtifactKind(mediaType: expected))
        }
        #expect(ArtifactKind(claimed: "", head: bytes).mediaType.hasPrefix("video/"))
    }

    @Test(
        "a recording without a picture is called what it is",
        arguments: [
            ("sound.m4a", "", "audio/mp4"), ("sound.m4a", "audio/x-m4a", "audio/x-m4a"), ("sound.m4a", "video/mp4", "audio/mp4"),
            ("sound.webm", "video/webm", "audio/webm"), ("sound.webm", "audio/webm", "audio/webm"),
            ("sound.ogg", "", "audio/ogg"), ("sound.ogg", "video/ogg", "audio/ogg"),
        ])
    func sound(file: String, claimed: String, expected: String) throws {
        #expect(ArtifactKind(claimed: claimed, head: Array(try Report.fixture("Recordings/\(file)"))) == ArtifactKind(mediaType: expected))
    }

    // MARK: - What they claim

    @Test(
        "a recording that says it has more than 40 million pixels is too large, in whichever of its headers",
        arguments: [
            (mp4(tkhd(8_000, 5_000)), false), (mp4(tkhd(8_000, 5_001)), true), (mp4(tkhd(65_535, 65_535)), true),
            (mp4(tkhd(100, 100), tkhd(8_000, 5_001)), true), (mp4(tkhd(8_000, 5_001, version: 1)), true),
            (mp4(tkhd(1, 1), stored: (65_535, 65_535)), true), (mp4(tkhd(1, 1), stored: (320, 200)), false),
            (webm(pair(8_000, 5_000)), false), (webm(pair(8_000, 5_001)), true), (webm(pair(.max, .max, bytes: 8)), true),
            (webm(pair(8_000, 5_001), isOpen: true), true), (webm(joined(pair(16, 16), shown(100_000, 100_000))), true),
            // A proportion of 16 to 9 is none of pixels, however it is written.
            (webm(joined(pair(16, 16), shown(160_000, 90_000), number(0x54B2, 3))), false),
            (ogg(20, 12), false), (ogg(65_535, 65_535), true),
        ] as [([UInt8], Bool)])
    func pixels(file: [UInt8], isTooLarge: Bool) throws {
        let size = try #require(ArtifactKind(claimed: "", head: file).size)
        #expect(size.isTooLarge == isTooLarge)
    }

    @Test("an Ogg file that is cut off, wherever, is what its pages say until there")
    func cutOff() {
        let whole = Self.ogg(20, 12)
        for length in 0...whole.count { #expect(ArtifactKind(claimed: "", head: Array(whole.prefix(length))).size?.isTooLarge != true) }
    }

    @Test("the header at the end of a very large recording is found without reading what is before it")
    func far() throws {
        let media: Int64 = 40 << 30
        let start = Self.joined(Self.ftyp, [0, 0, 0, 1], Array("mdat".utf8), Self.big(UInt64(media), 8))
        let movie = Self.movie([Self.tkhd(640, 360)])
        let moviePlace = Int64(Self.ftyp.count) + media
        let read = Mutex(0)
        let file = FileBytes(count: moviePlace + Int64(movie.count)) { offset, count in
            read.withLock { $0 += count }
            let bytes = offset < moviePlace ? Array(start.dropFirst(Int(offset))) : Array(movie.dropFirst(Int(offset - moviePlace)))
            return Array((bytes + [UInt8](repeating: 0, count: count)).prefix(count))
        }
        #expect(ArtifactKind(claimed: "video/mp4", head: start, file: file).size == PixelSize(width: 640, height: 360))
        #expect(read.withLock { $0 } < 1_000)
    }

    // MARK: - Files that nobody's tool writes

    static let hostile: [(name: String, file: [UInt8])] = boxes + elements

    private static let boxes: [(name: String, file: [UInt8])] = {
        let good = movie([tkhd(9, 9)])
        let free = Array("free".utf8)
        let many = FileBytes.mostParts
        var found: [(name: String, file: [UInt8])] = []
        func add(_ name: String, _ parts: [UInt8]...) { found.append((name, joined(parts))) }
        add("no moov", ftyp)
        add("an empty moov", ftyp, box("moov", []))
        add("a moov that is cut off", ftyp, Array(good.dropLast()))
        add("a box of a size below its header's", ftyp, [0, 0, 0, 7], free, good)
        add("a long size below its header's", ftyp, [0, 0, 0, 1], free, big(15, 8), good)
        add("a long size without end", ftyp, [0, 0, 0, 1], free, big(.max, 8), good)
        add("the longest size", ftyp, [0, 0, 0, 1], free, big(.max >> 1, 8), good)
        add("a box to the end of the file before moov", ftyp, [0, 0, 0, 0], free, good)
        add("a track that reaches out of moov", ftyp, box("moov", joined([0, 0, 4, 0], Array("trak".utf8))), [UInt8](repeating: 0, count: 2_000))
        add("a track header that is cut off", mp4(box("tkhd", [0, 0, 0, 0])))
        add("a track header of version 2", mp4(tkhd(9, 9, version: 2)))
        add("boxes in boxes", ftyp, (0..<1_000).reduce(tkhd(9, 9)) { inner, _ in box("moov", inner) })
        add("tracks in tracks", ftyp, box("moov", (0..<1_000).reduce(tkhd(9, 9)) { inner, _ in box("trak", box("trak", inner)) }))
        add("more boxes than anybody counts", ftyp, Array(repeatElement(box("free", []), count: many).joined()), good)
        add("more tracks than anybody counts", ftyp, box("moov", Array(repeatElement(box("trak", tkhd(9, 9)), count: many).joined())))
        add("an Ogg page that is cut off", Array(ogg(20, 12).prefix(28)))
        add("markup in a recording", ftyp, good, box("free", Array("<ScRiPt>alert(1)</script>".utf8)))
        return found
    }()

    private static let elements: [(name: String, file: [UInt8])] = {
        let good = video(pair(9, 9))
        let many = FileBytes.mostParts
        var found: [(name: String, file: [UInt8])] = []
        func add(_ name: String, _ parts: [UInt8]...) { found.append((name, joined(parts))) }
        add("no segment", ebml)
        add("a head of unknown size", [0x1A, 0x45, 0xDF, 0xA3, 0xFF], ebml)
        add("another kind of document", element([0x1A, 0x45, 0xDF, 0xA3], element([0x42, 0x82], Array("trash".utf8))), element(segment, good))
        add("no tracks", ebml, element(segment, []))
        add("tracks of unknown size", ebml, element(segment, joined([0x16, 0x54, 0xAE, 0x6B, 0xFF], good)))
        add("unknown sizes in unknown sizes", ebml, Array(repeatElement(joined(segment, [0xFF]), count: 1_000).joined()), good)
        add("a picture without a height", webm(number(0xB0, 9)))
        add("a number of nine bytes", webm(pair(9, 9, bytes: 9)))
        add("an identifier of five bytes", ebml, [0x08, 0, 0, 0, 0, 0x81, 0], element(segment, good))
        add("a size of nine bytes", ebml, segment, [0x00, 0xFF], good)
        add("the longest element", ebml, segment, [0x01], big(.max - 1, 7))
        add("elements in elements", ebml, element(segment, (0..<1_000).reduce([]) { inner, _ in element([0x16, 0x54, 0xAE, 0x6B], inner) }))
        add("more elements than anybody counts", ebml, element(segment, joined(Array(repeatElement([0xEC, 0x80], count: many).joined()), good)))
        add("tracks behind a cluster", ebml, element(segment, joined(element([0x1F, 0x43, 0xB6, 0x75], []), good)))
        return found
    }()

    @Test("what nobody can play, or is two things at once, is nothing that anybody displays", arguments: hostile)
    func refused(name: String, file: [UInt8]) {
        let time = ContinuousClock().measure {
            for claimed in ["video/mp4", "video/webm", ""] {
                #expect(ArtifactKind(claimed: claimed, head: file) == ArtifactKind(mediaType: ArtifactKind.unknown), "\(name)")
            }
        }
        #expect(time < .seconds(2), "\(name)")
    }

    @Test("a recording that is cut off anywhere or of which any byte is another is no crash")
    func damage() throws {
        func look(_ bytes: [UInt8]) { _ = ArtifactKind(claimed: "", head: Array(bytes.prefix(64)), file: FileBytes(bytes)) }
        for (file, headers) in [("h264.mp4", 4_300..<5_152), ("wide.mov", 5_000..<5_885), ("vp8.webm", 0..<400), ("live.webm", 0..<400)] {
            let whole = Array(try Report.fixture("Recordings/\(file)"))
            for index in headers {
                look(Array(whole.prefix(index)))
                var bent = whole
                for byte: UInt8 in [0, 0xFF] {
                    bent[index] = byte
                    look(bent)
                }
            }
        }
        // A recorder that was killed leaves a file that can be played as far as it goes.
        let cut = Array(try Report.fixture("Recordings/live.webm").prefix(1_000))
        #expect(ArtifactKind(claimed: "video/webm", head: cut).size == PixelSize(width: 320, height: 180))
        let faststart = Array(try Report.fixture("Recordings/faststart.mp4").prefix(2_000))
        #expect(ArtifactKind(claimed: "video/mp4", head: faststart).size == PixelSize(width: 320, height: 180))
    }
}

// MARK: - Files by hand

extension RecordingTests {
    static let ftyp: [UInt8] = box("ftyp", Array("isom0000".utf8))
    static let ebml: [UInt8] = element([0x1A, 0x45, 0xDF, 0xA3], element([0x42, 0x82], Array("webm".utf8)))

    static func big(_ number: UInt64, _ bytes: Int) -> [UInt8] {
        (0..<bytes).reversed().map { $0 < 8 ? UInt8(truncatingIfNeeded: number >> (8 * UInt64($0))) : 0 }
    }

    static func box(_ type: String, _ content: [UInt8]) -> [UInt8] { joined(big(UInt64(content.count + 8), 4), Array(type.utf8), content) }

    static func tkhd(_ width: UInt64, _ height: UInt64, version: UInt8 = 0) -> [UInt8] {
        let before = [UInt8](repeating: 0, count: 3 + (version == 0 ? 20 : 32) + 52)
        return box("tkhd", joined([version], before, big(width << 16, 4), big(height << 16, 4)))
    }

    /// - Parameter stored: what the description of a video track's pictures says.
    static func movie(_ headers: [[UInt8]], stored: (UInt64, UInt64)? = nil) -> [UInt8] {
        var media: [UInt8] = []
        if let stored {
            let entry = box("avc1", joined([UInt8](repeating: 0, count: 24), big(stored.0, 2), big(stored.1, 2)))
            let table = box("stbl", box("stsd", [0, 0, 0, 0, 0, 0, 0, 1] + entry))
            media = box("mdia", box("minf", table) + box("hdlr", [UInt8](repeating: 0, count: 8) + Array("vide".utf8)))
        }
        return box("moov", headers.flatMap { box("trak", $0 + media) })
    }

    static func mp4(_ headers: [UInt8]..., stored: (UInt64, UInt64)? = nil) -> [UInt8] {
        ftyp + movie(headers, stored: stored)
    }

    static let segment: [UInt8] = [0x18, 0x53, 0x80, 0x67]

    static func element(_ id: [UInt8], _ content: [UInt8]) -> [UInt8] { joined(id, [0x01], big(UInt64(content.count), 7), content) }

    static func number(_ id: UInt64, _ value: UInt64, bytes: Int = 4) -> [UInt8] { element(big(id, id > 0xFF ? 2 : 1), big(value, bytes)) }

    /// PixelWidth and PixelHeight.
    static func pair(_ width: UInt64, _ height: UInt64, bytes: Int = 4) -> [UInt8] {
        joined(number(0xB0, width, bytes: bytes), number(0xBA, height, bytes: bytes))
    }

    /// DisplayWidth and DisplayHeight.
    static func shown(_ width: UInt64, _ height: UInt64) -> [UInt8] { joined(number(0x54B0, width), number(0x54BA, height)) }

    static func video(_ numbers: [UInt8]) -> [UInt8] { element([0x16, 0x54, 0xAE, 0x6B], element([0xAE], element([0xE0], numbers))) }

    /// - Parameter isOpen: whether the size of its segment is not known.
    static func webm(_ numbers: [UInt8], isOpen: Bool = false) -> [UInt8] {
        let content = joined(element([0xEC], [0, 0]), video(numbers))
        return joined(ebml, isOpen ? joined(segment, [0xFF], content) : element(segment, content))
    }

    /// A page of sound and one of Theora.
    /// - Parameter width: in blocks of 16.
    static func ogg(_ width: UInt64, _ height: UInt64) -> [UInt8] {
        let before = joined(Array("OggS".utf8), [0, 2], [UInt8](repeating: 0, count: 20))
        let theora = joined([0x80], Array("theora".utf8), [3, 2, 1], big(width, 2), big(height, 2), [UInt8](repeating: 0, count: 28))
        return joined(before, [2, 255, 1], [UInt8](repeating: 7, count: 256), before, [1, UInt8(theora.count)], theora)
    }

    static func joined(_ parts: [UInt8]...) -> [UInt8] { joined(parts) }

    private static func joined(_ parts: [[UInt8]]) -> [UInt8] { parts.reduce(into: []) { $0 += $1 } }
}
