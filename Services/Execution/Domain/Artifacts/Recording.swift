/// What the container of a recording says of its tracks.
struct Recording: Equatable, Sendable {
    /// Of the largest picture that a track has; `nil` for sound alone.
    var size: PixelSize?

    /// `nil` for what has no tracks, or none that can be found: nobody can play it.
    static func of(_ file: FileBytes, _ magic: Magic) -> Recording? {
        switch magic {
        case .mp4, .quickTime: MP4Header.recording(in: file)
        case .webm: MatroskaHeader.recording(in: file)
        case .ogg: OggHeader.recording(in: file)
        default: nil
        }
    }

    /// A track shows the largest of all the sizes that are said of it.
    mutating func add(_ found: PixelSize?) {
        guard let found, !found.isEmpty, found.pixels > size?.pixels ?? 0 else { return }
        size = found
    }
}
