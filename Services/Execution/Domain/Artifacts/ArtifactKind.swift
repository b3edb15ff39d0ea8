/// What an artifact's content is: a media type that the content bears out, and the size of what is seen.
///
/// A type that browsers act on (pictures, audio, video) must show in the first bytes; text must be text. Whatever else is claimed, or is two things at
/// once, is `application/octet-stream`: kept and given back, but never displayed.
struct ArtifactKind: Equatable, Sendable {
    static let unknown = "application/octet-stream"
    /// What is kept of a file's beginning to be looked at. The size of a JPEG stands behind its metadata, which may be several segments of 64 KiB.
    static let headBytes = 256 << 10

    let mediaType: String
    var size: PixelSize?

    init(mediaType: String, size: PixelSize? = nil) {
        self.mediaType = mediaType
        self.size = size
    }

    /// - Parameters:
    ///   - claimed: what the client said, with parameters or without; empty when nothing.
    ///   - head: the first bytes, up to `headBytes`.
    ///   - file: all of it, for recordings, when it is more than `head`.
    init(claimed: String, head: [UInt8], file: FileBytes? = nil) {
        let type = claimed.prefix { $0 != ";" }.lowercased().filter { !$0.isWhitespace }
        let magic = Magic.of(head)
        let recording = magic.flatMap { $0.isRecording ? Recording.of(file ?? FileBytes(head), $0) : nil }
        mediaType = Self.mediaType(type, magic, head, recording)
        size = mediaType == Self.unknown ? nil : recording?.size ?? ImageHeader.size(of: head, magic)
    }

    private static func mediaType(_ claimed: String, _ magic: Magic?, _ head: [UInt8], _ recording: Recording?) -> String {
        if let magic {
            guard claimed.isEmpty || claimed == unknown || magic.names.contains(claimed) else { return unknown }
            // A picture of which no size can be read is no picture, and one with markup in it is two things.
            if magic.isImage, ImageHeader.size(of: head, magic) == nil || holdsMarkup(head) { return unknown }
            if magic.isRecording {
                guard let recording, !holdsMarkup(head) else { return unknown }
                if recording.size == nil, !claimed.hasPrefix("audio/") { return magic.soundName }
            }
            return magic.names.contains(claimed) ? claimed : recording?.size == nil ? magic.names[0] : magic.videoName
        }
        if claimed.isEmpty { return isText(head) && !holdsMarkup(head) ? "text/plain" : unknown }
        return texts.contains(claimed) && isText(head) ? claimed : unknown
    }

    /// Types without a magic that are kept as claimed when the content is text.
    private static let texts: Set<String> = [
        "text/plain", "text/csv", "text/html", "text/xml", "text/markdown", "text/css", "text/javascript", "application/json", "application/xml",
        "application/x-ndjson", "application/yaml", "image/svg+xml", "application/har+json",
    ]

    /// UTF-8 without control characters that no text has.
    private static func isText(_ head: [UInt8]) -> Bool {
        guard !head.contains(where: { $0 < 0x20 && ![9, 10, 12, 13, 27].contains($0) }) else { return false }
        // The head may end within a character.
        return (0...min(3, head.count)).contains { String(validating: head.dropLast($0), as: UTF8.self) != nil }
    }

    private static let markup = ["<script", "<html", "<svg", "<!doctype", "<iframe", "<body"].map { Array($0.utf8) }

    private static func holdsMarkup(_ head: [UInt8]) -> Bool {
        head.withUnsafeBufferPointer { bytes in
            var index = 0
            while index < bytes.count {
                if bytes[index] == UInt8(ascii: "<"), markup.contains(where: { Self.begins(bytes, at: index, with: $0) }) { return true }
                index += 1
            }
            return false
        }
    }

    private static func begins(_ bytes: UnsafeBufferPointer<UInt8>, at start: Int, with word: [UInt8]) -> Bool {
        guard bytes.count - start >= word.count else { return false }
        return word.indices.allSatisfy { offset in
            let byte = bytes[start + offset]
            return ((0x41...0x5A).contains(byte) ? byte | 0x20 : byte) == word[offset]
        }
    }
}

/// Formats that are known by their first bytes (https://mimesniff.spec.whatwg.org, sections 6 and 7).
enum Magic: CaseIterable, Sendable {
    case png, jpeg, gif, webp, pdf, zip, gzip, wave, ogg, flac, mp3, webm, mp4, quickTime

    /// The first is what it is called when nothing was claimed.
    var names: [String] {
        switch self {
        case .png: ["image/png"]
        case .jpeg: ["image/jpeg"]
        case .gif: ["image/gif"]
        case .webp: ["image/webp"]
        case .pdf: ["application/pdf"]
        case .zip: ["application/zip", "application/x-zip-compressed", "application/java-archive"]
        case .gzip: ["application/gzip", "application/x-gzip"]
        case .wave: ["audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave"]
        case .ogg: ["audio/ogg", "video/ogg", "application/ogg"]
        case .flac: ["audio/flac", "audio/x-flac"]
        case .mp3: ["audio/mpeg", "audio/mp3"]
        case .webm: ["video/webm", "audio/webm", "video/x-matroska"]
        case .mp4: ["video/mp4", "audio/mp4", "audio/x-m4a"]
        case .quickTime: ["video/quicktime"]
        }
    }

    var isImage: Bool { [.png, .jpeg, .gif, .webp].contains(self) }

    /// Containers of sound and pictures that say in a header what is in them.
    var isRecording: Bool { [.webm, .mp4, .quickTime, .ogg].contains(self) }

    /// What it is called when there is something to see in it.
    var videoName: String { names.first { $0.hasPrefix("video/") } ?? names[0] }

    /// What it is called when there is nothing to see in it.
    var soundName: String { names.first { $0.hasPrefix("audio/") } ?? names[0] }

    static func of(_ head: [UInt8]) -> Magic? { allCases.first { $0.begins(head) } }

    private func begins(_ head: [UInt8]) -> Bool {
        func has(_ bytes: [UInt8], at offset: Int = 0) -> Bool { head.dropFirst(offset).starts(with: bytes) }
        func has(_ text: String, at offset: Int = 0) -> Bool { has(Array(text.utf8), at: offset) }
        return switch self {
        case .png: has([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
        case .jpeg: has([0xFF, 0xD8, 0xFF])
        case .gif: has("GIF87a") || has("GIF89a")
        case .webp: has("RIFF") && has("WEBP", at: 8)
        case .pdf: has("%PDF-")
        case .zip: has([0x50, 0x4B, 0x03, 0x04]) || has([0x50, 0x4B, 0x05, 0x06])
        case .gzip: has([0x1F, 0x8B, 0x08])
        case .wave: has("RIFF") && has("WAVE", at: 8)
        case .ogg: has("OggS")
        case .flac: has("fLaC")
        case .mp3: has("ID3") || (head.count > 1 && head[0] == 0xFF && [0xFA, 0xFB, 0xF2, 0xF3].contains(head[1]))
        case .webm: has([0x1A, 0x45, 0xDF, 0xA3])
        case .mp4: has("ftyp", at: 4) && !has("qt  ", at: 8)
        case .quickTime: has("ftypqt  ", at: 4)
        }
    }
}
